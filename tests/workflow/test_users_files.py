"""Config files and tables as users write them: what is wrong is one sentence before anything runs or is deleted."""

import re
from html.parser import HTMLParser

import pytest

from helpers.places import REPOSITORY
from helpers.workspace import TINY, Workspace, copy_workflow

# As installed from this checkout: the profile looks at config files before the Snakefile, whose library it need not be.
ENV = {"PYTHONPATH": str(REPOSITORY / "workflow_scripts")}


@pytest.fixture
def checkout(tmp_path):
    """A copy of the workflow without results."""
    copy_workflow(tmp_path)
    workspace = Workspace(tmp_path)
    workspace.config = TINY
    return workspace


class Words(HTMLParser):
    """All text of a page that is shown, piece by piece."""

    def __init__(self):
        super().__init__()
        self.pieces, self._hidden = [], 0

    def handle_starttag(self, tag, attributes):
        self._hidden += tag in ("script", "style")

    def handle_endtag(self, tag):
        self._hidden -= tag in ("script", "style")

    def handle_data(self, data):
        if not self._hidden:
            self.pieces.append(data.strip())


@pytest.mark.slow
def test_names_from_a_spreadsheet_reach_the_report_and_wrong_ones_cost_nothing(workspace):
    names, run = workspace.folder / "names.csv", workspace.folder / "results/tiny"
    names.write_bytes("node;name;\r\nroot.0;Löcher;\r\n".encode("cp1252"))
    config = workspace.config
    config["grouping"]["names"] = {"steel": "names.csv"}
    workspace.config = config
    done = workspace.snakemake()
    assert "names.csv is not UTF-8; read as Windows-1252" in done.stderr
    words = Words()
    words.feed((run / "report/index.html").read_text(encoding="utf-8"))
    assert any("Löcher" in piece for piece in words.pieces)
    # Other groups have no name.
    assert [piece for piece in words.pieces if re.fullmatch(r"nan|NaN|None|NaT|-?inf|undefined", piece)] == []

    kept = {file: file.stat().st_mtime_ns for file in run.rglob("*") if file.is_file() and not file.is_symlink()}
    for content, words in (
        ("node,name\nroot.5,holes\n", "names.csv names root.5, but root has "),
        ("node,title\nroot.0,holes\n", "names.csv: no column 'name'; it has 'node', 'title'"),
        ("node,name\nroot.0,holes, deep\n", "names.csv, line 2: 3 cells where the header names 2 columns"),
        ("", "names.csv is empty"),
    ):
        names.write_text(content, encoding="utf-8")
        done = workspace.snakemake(check=False)
        assert done.returncode == 1 and "config: grouping.names.steel: " in done.stderr and words in done.stderr
        assert "Traceback" not in done.stderr
    assert kept == {file: file.stat().st_mtime_ns for file in kept}


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"my.yaml": "run: a\n\tseed: 1\n"}, "config: my.yaml, line 2: a tab, which YAML does not allow there"),
        ({"tiny.yaml": None, "learning": None}, "config: learning is no config file; --configfile takes all that"),
        (
            {"tiny.yaml": None, "my.yaml": "run: 007\n"},
            "config: run: 007 is 7 to YAML; write '007' in quotes (my.yaml,",
        ),
    ],
)
def test_config_files_that_are_wrong_are_one_sentence(checkout, files, sentence):
    for name, content in files.items():
        if content is not None:
            (checkout.folder / name).write_text(content, encoding="utf-8")
    done = checkout.snakemake("--dry-run", "--configfile", *files, check=False, env=ENV)
    printed = done.stdout + done.stderr
    assert done.returncode == 1 and sentence in printed and "Traceback" not in printed


def test_the_library_that_looked_at_config_files_is_not_the_one_that_plans(checkout):
    plan = checkout.folder / "workflow_scripts/nearlabel/plan/__init__.py"
    plan.write_text(plan.read_text(encoding="utf-8") + "\nraise RuntimeError('of this checkout')\n", encoding="utf-8")
    done = checkout.snakemake("--dry-run", check=False, env=ENV)
    assert "of this checkout" in done.stdout + done.stderr


@pytest.mark.slow
def test_a_dry_run_finds_folders_and_columns_that_are_missing(checkout):
    config = checkout.config
    (checkout.folder / "a.png").touch()
    (checkout.folder / "list.csv").write_text("sep=;\r\nFile;Class\r\na.png;good\r\n", encoding="utf-16")
    listed = {"kind": "csv", "file": "$LISTS/list.csv", "root": str(checkout.folder), "path_column": "file"}
    for changes, code, sentence in (
        ({}, 0, "check_images"),
        ({"label_column": "klass"}, 1, "no column 'klass'; it has 'File', 'Class'; did you mean"),
        ({"root": "away"}, 0, "warning: datasets.steel.root: away is no folder"),
        ({"file": "$NOWHERE/list.csv"}, 1, "names the environment variable NOWHERE, which is not set"),
    ):
        config["datasets"]["steel"] = listed | {"near_labels": None} | changes
        checkout.config = config
        done = checkout.snakemake("--dry-run", check=False, env=ENV | {"LISTS": str(checkout.folder)})
        assert (done.returncode, sentence in done.stdout + done.stderr) == (code, True), done.stdout + done.stderr
