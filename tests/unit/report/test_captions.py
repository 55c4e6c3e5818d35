"""The captions of `snakemake --report`: one for each figure, table and page that a rule makes, and none besides."""

import re
from types import SimpleNamespace

import pytest
from docutils.core import publish_parts
from jinja2 import Environment, StrictUndefined

from helpers.places import REPOSITORY
from nearlabel.report import catalogue

RULES = REPOSITORY / "rules"
CAPTIONS = RULES / "captions"
FIGURES = [
    *catalogue.NODE_FIGURES,
    *catalogue.MERGE_FIGURES,
    *catalogue.MODEL_FIGURES,
    *catalogue.LEARNING_FIGURES,
    *catalogue.STOPPING_FIGURES,
    catalogue.PROGRESS_FIGURE,
    catalogue.FINAL_FIGURE,
    "tree",
    "sheets",
]
TABLES = [
    *catalogue.GROUPING_TABLES,
    *catalogue.COLUMN_TABLES,
    "models",
    *catalogue.LEARNING_TABLES,
    *catalogue.STOPPING_TABLES,
]
WILDCARDS = {
    "run": "mine",
    "dataset": "odd_",
    "node": "root.1",
    "target": "near_labels",
    "cluster": "007",
    "side": "nearest",
}
CONFIG = {
    "run": "mine",
    "datasets": {"odd_": {}, "b-2_": {}},
    "grouping": {},
    "learning": {"folds": 3},
    "labelling": {"good": "ok"},
}


def render(file):
    """A caption as HTML; whatever Docutils has to say of it is an error."""
    given = SimpleNamespace(wildcards=SimpleNamespace(**WILDCARDS), config=CONFIG)
    environment = Environment(trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)
    text = environment.from_string(file.read_text(encoding="utf-8")).render(snakemake=given)
    return publish_parts(text, writer="html", settings_overrides={"halt_level": 1, "report_level": 1})["html_body"]


def outputs():
    """The outputs of every rule, as they are written."""
    for file in RULES.glob("*.smk"):
        for block in re.findall(r"^( *)output:\n((?:\1    .*\n|\n)+)", file.read_text(encoding="utf-8"), re.MULTILINE):
            yield block[1]


@pytest.mark.parametrize("folder, names", [("figures", FIGURES), ("tables", TABLES)])
def test_every_figure_and_table_has_a_caption_and_no_other_thing(folder, names):
    assert sorted(file.stem for file in (CAPTIONS / folder).iterdir()) == sorted(names)


def test_every_page_has_a_caption_and_no_other_thing():
    pages = re.findall(r"page\(\s*run_files\.\w+, \"(\w+)\"\s*\)", "".join(outputs()))
    assert sorted(file.stem for file in (CAPTIONS / "pages").iterdir()) == sorted(pages)


def test_rules_declare_figures_tables_and_pages_as_what_the_report_shows():
    written = list(outputs())
    assert len(written) > 40
    for text in written:
        assert not re.search(r"figure_files|table_files|directory\(run_files\.SHEETS", text), text
        for name in re.findall(r"run_files\.(\w*PAGE|EXPLORER)\b", text):
            assert re.search(rf"\bpage\(\s*run_files\.{name}\b", text), text


@pytest.mark.parametrize("file", sorted(CAPTIONS.rglob("*.rst")), ids=lambda file: file.stem)
def test_captions_are_sound_and_plain(file):
    html = render(file)
    text = file.read_text(encoding="utf-8")
    assert "{" not in html
    assert max(map(len, text.splitlines())) <= 120
    if file.stem != "workflow":
        title, empty, *_ = text.splitlines()
        assert re.fullmatch(r"\*\*[A-Z][^*]+\*\*", title) and empty == ""
        assert html.count("<p>") >= 2


def test_a_name_that_looks_like_a_link_is_text():
    assert "odd_" in render(CAPTIONS / "figures/quality.rst")
    assert "b-2_" in render(CAPTIONS / "workflow.rst")
