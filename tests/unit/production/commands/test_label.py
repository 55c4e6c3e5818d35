import csv
import io
import json
import logging
import os
import subprocess
import sys

import pytest

from helpers.bundles import UNSEEN, draw_images
from helpers.written_bundles import write_made
from nearlabel.production.commands.main import main
from nearlabel.production.labeller.labeller import Labeller
from nearlabel.production.labeller.rows import COLUMNS


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundles")
    write_made(folder)
    return folder


@pytest.fixture
def inbox(tmp_path):
    folder = tmp_path / "in"
    draw_images(folder / "line 1", 12)
    (folder / "half.png").write_bytes((folder / "line 1/strip_0000_good.png").read_bytes()[:900])
    (folder / "notes.txt").write_text("of the shift")
    return folder


def label(*arguments):
    return main(["label", *map(str, arguments)])


def test_every_file_has_a_row(bundles, inbox, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    output = tmp_path / "labels.csv"
    assert label(inbox, "--bundle", bundles, "--output", output) == 0
    rows = {row["path"]: row for row in csv.DictReader(output.open(newline=""))}
    assert len(rows) == 14 and tuple(next(iter(rows.values()))) == COLUMNS
    half, notes = rows.pop(str(inbox / "half.png")), rows.pop(str(inbox / "notes.txt"))
    assert "truncated" in half["reason"] and half["label"] == half["novel"] == ""
    assert notes["reason"] and notes["sha256"] == ""
    for path, row in rows.items():
        assert row["reason"] == ""
        assert (row["novel"] == "1") == (row["node"] == "") == (row["label"] == "")
        if UNSEEN in path:
            assert row["novel"] == "1"
        assert (
            len(json.loads(row["neighbors"])) == 5
            and json.loads(row["lineage"])[-1:] == [row["node"]][: bool(row["node"])]
        )
    flagged = sum(row["novel"] == "1" for row in rows.values())
    assert "12 of 14 files labelled, 2 rejected" in caplog.text
    assert f"{flagged} flagged as novel; of 100 good images one expects 10, with these 13" in caplog.text


def test_lines_of_json(bundles, inbox, tmp_path):
    output = tmp_path / "labels.jsonl"
    assert label(inbox, "--bundle", bundles / "1", "--output", output) == 0
    rows = [json.loads(line) for line in output.read_text().splitlines()]
    assert len(rows) == 14 and all(tuple(row) == COLUMNS for row in rows)
    assert {type(row["novel"]) for row in rows} == {bool, type(None)}


def test_an_output_that_cannot_be_is_said_before_anything_is_labelled(bundles, inbox, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("nearlabel.production.labeller.folder.label_files", lambda *_, **__: pytest.fail("it began"))
    (tmp_path / "x.csv").mkdir()
    assert label(inbox, "--bundle", bundles, "--output", tmp_path / "x.csv") == 1
    assert "is a folder; name a file in it" in capsys.readouterr().err


def test_the_standard_output_holds_the_table_alone(bundles, inbox, capsys):
    assert label(inbox, "--bundle", bundles) == 0
    assert len(list(csv.DictReader(io.StringIO(capsys.readouterr().out)))) == 14


def test_other_rates_for_one_call(bundles, inbox, tmp_path, caplog, capsys):
    caplog.set_level(logging.INFO)
    output = tmp_path / "labels.jsonl"
    assert label(inbox, "--bundle", bundles, "--output", output, "--coverage", "0.99", "--false-alarms", "0.5") == 0
    rows = [json.loads(line) for line in output.read_text().splitlines()]
    # 13 held-out images of each label are too few for 99 %.
    assert {len(row["label_set"]) for row in rows if row["reason"] == ""} == {3}
    assert "in every set at a coverage of 0.99, for want of 99 held-out images: good (13)" in caplog.text
    assert label(inbox, "--bundle", bundles, "--false-alarms", "0.01") == 1
    assert "the lowest that they support is 0.0715" in capsys.readouterr().err


def test_a_folder_without_an_image_that_can_be_labelled(bundles, tmp_path, capsys):
    (tmp_path / "in").mkdir()
    (tmp_path / "in/empty.png").write_bytes(b"")
    assert label(tmp_path / "in", "--bundle", bundles) == 1
    assert "0 bytes" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere", "--bundle", "BUNDLES"], "nowhere"),
        (["IN", "--bundle", "nowhere"], "nowhere"),
        (["IN", "--bundle", "BUNDLES", "--weights-dir", "nowhere"], "--weights-dir nowhere is no folder"),
        (["IN", "--bundle", "BUNDLES", "--output", "labels.xlsx"], "name a .csv or .jsonl"),
        (["IN", "--bundle", "BUNDLES", "--coverage", "90"], "coverage is 90"),
        (["IN", "--bundle", "BUNDLES", "--false-alarms", "0"], "false_alarms is 0"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(arguments, said, bundles, inbox, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    known = {"IN": inbox, "BUNDLES": bundles}
    assert label(*(known.get(argument, argument) for argument in arguments)) == 1
    error = capsys.readouterr().err
    assert said in error and error.startswith("nearlabel label: ") and error.count("\n") == 1


def test_a_reader_that_leaves_ends_it_quietly(bundles, inbox):
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "nearlabel.production.commands.main", "label", inbox, "--bundle", bundles]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert done.returncode == 141 and "roken" not in done.stderr and "ignored" not in done.stderr


def test_a_name_that_is_no_utf_8_is_printed_as_it_is(bundles, inbox, capfdbinary):
    folder = inbox.rename(inbox.with_name("K\udcfchl"))
    assert label(folder, "--bundle", bundles) == 0
    assert capfdbinary.readouterr().out.count(b"/K\xfchl/line 1/") == 12


def test_an_image_that_fails_is_a_row_with_the_reason(bundles, inbox, tmp_path, monkeypatch, caplog, capsys):
    caplog.set_level(logging.INFO)
    prepare, spoilt = Labeller.prepare, ["0007"]

    def failing(self, path):
        if any(name in path for name in spoilt):
            raise MemoryError
        return prepare(self, path)

    monkeypatch.setattr(Labeller, "prepare", failing)
    assert label(inbox, "--bundle", bundles, "--output", tmp_path / "labels.csv") == 0
    rows = list(csv.DictReader((tmp_path / "labels.csv").open(newline="")))
    assert len(rows) == 14 and [row["reason"] for row in rows if "0007" in row["path"]] == ["MemoryError"]
    assert "11 of 14 files labelled, 3 rejected" in caplog.text
    spoilt.append("strip_")
    assert label(inbox, "--bundle", bundles, "--output", tmp_path / "labels.csv") == 1
    assert "nearlabel label: one image after another cannot be labelled; " in capsys.readouterr().err


def test_help_imports_nothing_heavy():
    code = (
        "import sys\nfrom nearlabel.production.commands.main import main\n"
        "try: main(['label', '--help'])\nexcept SystemExit: pass\n"
        "assert not {'torch', 'pandas', 'numpy', 'sklearn', 'PIL'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


# As where torch is not installed.
WITHOUT_TORCH = """
import sys

class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "torchvision"):
            raise ModuleNotFoundError(f"no {name} here", name=name)

sys.meta_path.insert(0, NoTorch())
"""


def test_a_bundle_of_texture_needs_no_torch(bundles, inbox):
    code = (
        f"{WITHOUT_TORCH}from nearlabel.production.commands.main import main\n"
        f"sys.exit(main(['label', {str(inbox)!r}, '--bundle', {str(bundles)!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(list(csv.DictReader(io.StringIO(done.stdout)))) == 14
