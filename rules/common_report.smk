# What `snakemake --report` shows, each with a caption from captions/. A caption's first line, in bold, is its title.

CAPTIONS = Path(workflow.basedir) / "rules"


def shown(file, caption, category, group, columns, **flags):
    """A file that the report shows: the title of its caption, then the columns, in a list of the group."""

    # Read where a report is made, not whenever the workflow is parsed.
    def label(wildcards):
        text = (CAPTIONS / caption).read_text(encoding="utf-8")
        return {"title": text.partition("\n")[0].strip("*"), **columns}

    return report(
        file,
        caption=caption,
        category=category,
        subcategory=group,
        labels=label,
        **flags,
    )


def figures(category, pattern, *kinds):
    """Figures that a job draws, as SVG, which the report shows, and as PNG."""
    places = {
        name: f"{{{name}}}" for name in ("node", "target") if f"{{{name}}}" in pattern
    }
    files = run_files.figure_files(pattern, *kinds)
    for kind in kinds:
        caption = f"captions/figures/{kind}.rst"
        files[f"{kind}_svg"] = shown(
            files[f"{kind}_svg"], caption, category, "{dataset}", places
        )
    return files


def tables(category, *names):
    """Tables that a job makes: the CSV, which the report offers, and the forms for texts."""
    files = run_files.table_files(*names)
    for name in names:
        caption = f"captions/tables/{name}.rst"
        files[f"{name}_csv"] = shown(
            files[f"{name}_csv"], caption, category, "tables", {}
        )
    return files


def sheets(pattern):
    """A folder of contact sheets, all of which the report shows."""
    places = {name: f"{{{name}}}" for name in ("node", "cluster", "side")}
    return shown(
        directory(pattern),
        "captions/figures/sheets.rst",
        "Grouping",
        "{dataset}, contact sheets",
        places,
        patterns=["cluster{cluster}_{side}.jpg"],
    )


def page(pattern, name):
    """A page of its own, which the report shows first."""
    places = {"data set": "{dataset}"} if "{dataset}" in pattern else {}
    return shown(pattern, f"captions/pages/{name}.rst", "At a glance", "pages", places)
