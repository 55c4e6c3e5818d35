"""`snakemake --report`: every figure, table and page of the tiny run is in it, explained, without internet."""

import json
import re
from zipfile import ZipFile

# Whoever asks for something from the internet meets a closed door.
OFFLINE = {name: "http://127.0.0.1:9" for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")}


def value_of(page, name):
    """What a script of the report's page gives a variable."""
    script = page[page.index(f'<script id="{name.replace("_", "-")}">') :]
    return json.JSONDecoder().raw_decode(script.partition(f"var {name} = ")[2])[0]


def text_of(html):
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_report_shows_every_figure_table_and_page_once_with_its_caption(workspace):
    workspace.snakemake("--report", "report.zip", env=OFFLINE)
    run = workspace.folder / "results/tiny"
    shown = [*run.glob("figures/*.svg"), *run.glob("tables/*.csv"), *run.glob("figures/*_sheets/*.jpg")]
    shown += run.glob("report/**/*.html")
    with ZipFile(workspace.folder / "report.zip") as archive:
        page = archive.read("report/report.html").decode()
        results, categories = value_of(page, "results"), value_of(page, "categories")
        assert set(results) == {str(file.relative_to(workspace.folder)) for file in shown}
        for file, entry in results.items():
            assert archive.read(f"report/{entry['data_uri']}") == (workspace.folder / file).read_bytes(), file

    assert set(categories) == {"At a glance", "Grouping", "Learning"}
    listed = [file for groups in categories.values() for group in groups.values() for file in group]
    assert sorted(listed) == sorted(results)
    assert all(group != "Other" for groups in categories.values() for group in groups)
    for groups in categories.values():
        for files in groups.values():
            # What a list says of its entries tells them apart.
            assert len({json.dumps(results[file]["labels"]) for file in files}) == len(files), files
    for file, entry in results.items():
        title, caption = entry["labels"]["title"], text_of(entry["caption"])
        assert title and caption.startswith(title) and len(caption) > len(title) + 40, file
        assert "{" not in json.dumps(entry["labels"]).strip("{") and "{" not in caption, file
        assert "system-message" not in entry["caption"], file
    node = results["results/tiny/figures/steel_root.0_quality.svg"]
    assert node["labels"] == {"title": "Entropy and silhouette", "node": "root.0"}
    assert "Node root.0 of steel" in text_of(node["caption"])
    model = results["results/tiny/figures/steel_root_near_labels_models.svg"]
    assert model["labels"]["target"] == "near_labels" and "Models that tell near-labels" in text_of(model["caption"])

    told = text_of(value_of(page, "workflow_desc"))
    assert told.startswith("Run tiny") and "steel" in told and "Learning :" in told and "Labelling" not in told
    # A figure higher than the window begins at its top.
    assert "safe center" in page
    assert workspace.jobs() == set()
