"""``nearlabel bundle``: what it prints, what it changes, and one sentence where it cannot."""

import subprocess
import sys

import pytest

from helpers.written_bundles import held_out_table, write_made
from nearlabel.production.bundle.numbering import UseNote, read_note
from nearlabel.production.commands.main import main


@pytest.fixture
def bundles(tmp_path):
    folder = tmp_path / "results/demo/steel/bundles"
    for said in ("gbgb", "gggb", "ggbb"):
        write_made(folder, held_out=held_out_table("ggbb", said), known={"a" * 64: "good"})
    return folder


def call(capsys, *arguments):
    status = main(["bundle", *map(str, arguments)])
    written = capsys.readouterr()
    return status, written.out, written.err


def test_list_shows_which_one_is_used(bundles, capsys):
    status, out, _ = call(capsys, "list", "--in", bundles)
    heading, *rows = out.splitlines()
    assert status == 0 and heading.split()[:2] == ["bundle", "made"]
    assert [row.split()[0] for row in rows] == ["1", "2", "3"]
    assert "in use" in rows[0] and "newest" in rows[2] and "0.750" in rows[1]
    (bundles / "2/bundle.json").write_text("{}")
    status, out, _ = call(capsys, "list", "--in", bundles)
    assert status == 1 and "2/bundle.json is damaged" in out and out.splitlines()[2].split() == ["2", *"???????"]


def test_a_damaged_note_of_the_newest_is_told_from_the_folders(bundles, capsys):
    (bundles / "newest.json").write_text("")
    status, out, _ = call(capsys, "list", "--in", bundles)
    assert status == 0 and "newest" in out.splitlines()[3] and out.count("newest") == 1


def test_use_compares_then_switches_and_goes_back(bundles, capsys):
    status, out, _ = call(capsys, "use", 3, "--in", bundles)
    assert status == 0 and "bundle 3 against 1" in out and "balanced accuracy 1.000, before 0.500" in out
    assert "bundle 3 is in use now; back by `nearlabel bundle use 1 --in " in out
    assert read_note(bundles, "used.json")["number"] == 3
    _, out, _ = call(capsys, "use", 1, "--in", bundles)
    assert "bundle 1 against 3" in out and read_note(bundles, "used.json")["number"] == 1
    # A watcher that could not switch looks again.
    note = UseNote(bundles)
    assert "in use already; noted anew, so that running watchers" in call(capsys, "use", 1, "--in", bundles)[1]
    assert note.changed() and read_note(bundles, "used.json")["number"] == 1


@pytest.mark.parametrize("note", ["newest.json", "used.json"])
def test_two_bundles_under_one_number_are_told(bundles, capsys, note):
    """The line has adopted bundle 2 or 3, another machine has made one too: a copy that keeps what is there brought the
    note alone."""
    assert "two machines" not in call(capsys, "list", "--in", bundles)[1]
    path = bundles / note
    number = read_note(bundles, note)["number"]
    path.write_text(path.read_text().replace(read_note(bundles, note)["sha256"], "f" * 64))
    sentence = f"bundles/{number} is not the bundle that {path} names: two machines have made one under this number"
    status, out, _ = call(capsys, "list", "--in", bundles)
    assert status == 1 and sentence in out
    assert sentence in call(capsys, "use", 3, "--in", bundles)[1]


def test_a_damaged_bundle_is_never_put_in_use(bundles, capsys):
    (bundles / "3/known.csv").write_text("other")
    status, _, err = call(capsys, "use", 3, "--in", bundles)
    assert status == 1 and "known.csv was changed since" in err
    assert read_note(bundles, "used.json")["number"] == 1


def test_use_repairs_a_note_and_needs_no_old_bundle(bundles, capsys):
    (bundles / "used.json").write_text("{")
    assert call(capsys, "use", 2, "--in", bundles)[0] == 0
    (bundles / "2/held_out.csv").unlink()
    status, out, _ = call(capsys, "use", 3, "--in", bundles)
    assert status == 0 and "not compared with bundle 2" in out and read_note(bundles, "used.json")["number"] == 3


def test_compare_names_old_and_new(bundles, capsys):
    status, out, _ = call(capsys, "compare", 1, 2, "--in", bundles)
    assert status == 0 and "bundle 2 against 1, on 4 held-out images" in out
    status, _, err = call(capsys, "compare", 1, 9, "--in", bundles)
    assert status == 1 and "there is no bundle 9; there are 1, 2, 3" in err


def test_the_only_folder_below_results_is_found(bundles, capsys, monkeypatch):
    monkeypatch.chdir(bundles.parents[3])
    assert call(capsys, "list")[0] == 0
    write_made(bundles.parents[1] / "tiles/bundles")
    status, _, err = call(capsys, "list")
    assert status == 1 and "several folders of bundles" in err and "demo/tiles/bundles; name one by --in" in err
    monkeypatch.chdir(bundles)
    status, _, err = call(capsys, "list")
    assert status == 1 and "name the folder of bundles by --in" in err


def test_an_empty_folder_is_said(tmp_path, capsys):
    status, out, _ = call(capsys, "list", "--in", tmp_path)
    assert status == 0 and "holds no bundle" in out


@pytest.mark.parametrize("action", [["list"], ["use", 1], ["adopt", "--db", "x"], ["export", 1, "--onnx", "x"]])
def test_a_bundles_own_folder_is_told_from_a_folder_of_bundles(bundles, capsys, action):
    status, out, err = call(capsys, *action, "--in", bundles / "1")
    said = f"{bundles}/1 is a bundle itself; name the folder of bundles, {bundles}, by --in"
    assert status == 1 and out == "" and said in err


@pytest.mark.parametrize("action", [["adopt", "--db", "x"], ["export", 1, "--onnx", "texture.onnx"]])
def test_options_of_encoders_are_checked_though_none_needs_them(bundles, capsys, action):
    for option, sentence in (("--weights-dir", "is no folder; name"), ("--module", "is no file; name")):
        status, _, err = call(capsys, *action, "--in", bundles, option, "nowhere")
        assert status == 1 and f"{option} nowhere {sentence}" in err


def test_help_imports_nothing_heavy():
    code = (
        "import sys\nfrom nearlabel.production.commands.main import main\n"
        "try:\n    main(['bundle', 'use', '--help'])\nexcept SystemExit:\n    pass\n"
        "sys.exit(any(name in sys.modules for name in ('numpy', 'pandas', 'torch', 'sklearn')))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_export_writes_what_machines_without_torch_load(bundles, capsys, monkeypatch, tmp_path):
    asked = []

    def export(bundle, path, encoder=None, **build):
        asked.append((bundle.number, path, encoder, build))
        return {"parity": 1e-6}

    monkeypatch.setattr("nearlabel.production.bundle.onnx.export_encoder", export)
    (tmp_path / "own.py").touch()
    options = ["--encoder", "texture", "--in", bundles, "--module", tmp_path / "own.py", "--weights-dir", tmp_path]
    status, out, _ = call(capsys, "export", 2, "--onnx", tmp_path / "x.onnx", *options)
    build = {"module": str(tmp_path / "own.py"), "weights_dir": str(tmp_path)}
    assert status == 0 and out == "parity: 1e-06\n" and asked == [(2, str(tmp_path / "x.onnx"), "texture", build)]


def test_adopt_without_a_word_of_operators_makes_nothing(bundles, capsys, tmp_path):
    from nearlabel.production.database.opening import open_database

    open_database(tmp_path / "labels.sqlite", create=True).close()
    status, out, _ = call(capsys, "adopt", "--db", tmp_path / "labels.sqlite", "--in", bundles)
    assert status == 0 and "nothing to adopt" in out and not (bundles / "4").exists()
    status, _, err = call(capsys, "adopt", "--db", tmp_path / "nowhere.sqlite", "--in", bundles)
    assert status == 1 and "nowhere.sqlite" in err and "\n" not in err.strip()


def test_adopt_writes_what_operators_have_made_of_the_groups(bundles, capsys, monkeypatch, tmp_path):
    from nearlabel.production.bundle.writing import content_of

    def adopt(bundle, database, *, accept, **build):
        content, root = content_of(bundle), bundle.nodes["root"]
        assert accept == ["root.3"] and build == {"device": "cpu", "weights_dir": None, "module": None}
        return content._replace(nodes=bundle.nodes | {"root": root._replace(centres=root.centres + 1)})

    monkeypatch.setattr("nearlabel.production.streaming.adopting.adopt", adopt)
    arguments = ("adopt", "--db", tmp_path / "x", "--accept", "root.3", "--device", "cpu", "--in", bundles)
    status, out, _ = call(capsys, *arguments)
    assert status == 0 and "bundle 4 has the groups; `nearlabel bundle use 4 --in " in out
    assert read_note(bundles, "used.json")["number"] == 1 and read_note(bundles, "newest.json")["number"] == 4
