import os

import pytest

from nearlabel.kept import KeptResults


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results/r/d/groups/root.0").mkdir(parents=True)
    (tmp_path / "results/r/d/table.csv").write_text("old")
    (tmp_path / "results/r/d/groups/root.0/a.png").symlink_to(tmp_path / "gone.png")
    return tmp_path / "results/r/d"


OUTPUTS = ["results/r/d/table.csv", "results/r/d/groups", "results/r/d/not_yet.csv"]


def no_links(*_, **__):
    raise OSError(95, "Operation not supported")


@pytest.fixture(params=["hard links", "none"])
def kept(request, results, monkeypatch):
    if request.param == "none":
        monkeypatch.setattr(os, "link", no_links)
    kept = KeptResults("results/r/.kept")
    assert kept.keep(OUTPUTS) == []
    return kept


def delete(results):
    """As Snakemake does before a job begins."""
    (results / "table.csv").unlink(missing_ok=True)
    assert not (results / "groups").exists()


def test_what_is_made_anew_is_forgotten(kept, results):
    delete(results)
    (results / "table.csv").write_text("new")
    (results / "groups").mkdir()
    kept.drop(OUTPUTS)
    assert not kept.folder.exists()
    assert (results / "table.csv").read_text() == "new" and not list((results / "groups").iterdir())


def test_what_is_not_made_gets_its_name_back(kept, results):
    delete(results)
    assert kept.put_back() == OUTPUTS[1::-1]
    assert (results / "table.csv").read_text() == "old"
    assert os.readlink(results / "groups/root.0/a.png").endswith("gone.png")
    assert not kept.folder.exists()


def test_what_a_job_has_half_made_gives_way_and_what_is_planned_is_left(kept, results):
    delete(results)
    (results / "table.csv").write_text("new")
    (results / "groups/root.9").mkdir(parents=True)
    # The next call finds this, and keeps what is kept.
    again = KeptResults(kept.folder)
    assert again.keep(OUTPUTS) == []
    assert again.put_back(leave={"results/r/d/groups"}) == ["results/r/d/table.csv"]
    assert (results / "table.csv").read_text() == "old"
    assert again.put_back() == ["results/r/d/groups"]
    assert [folder.name for folder in (results / "groups").iterdir()] == ["root.0"]


def test_times_stay_and_a_link_takes_no_room(results):
    kept = KeptResults("results/r/.kept")
    os.utime(results / "table.csv", (1, 1))
    kept.keep(OUTPUTS)
    assert (results / "table.csv").stat().st_nlink == 2
    (results / "table.csv").unlink()
    kept.put_back()
    assert (results / "table.csv").stat().st_mtime == 1


def test_a_second_attempt_keeps_what_the_first_kept(kept, results):
    delete(results)
    assert kept.keep(OUTPUTS) == []  # nothing is there
    kept.put_back()
    assert (results / "table.csv").read_text() == "old"


def test_what_cannot_be_kept_is_named_and_stays(results, monkeypatch):
    def half(source, target):
        target.mkdir() if os.path.isdir(source) else target.write_text("o")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "link", no_links)
    monkeypatch.setattr("shutil.move", half)
    kept = KeptResults("results/r/.kept")
    assert kept.keep(OUTPUTS) == OUTPUTS[:2]
    assert (results / "table.csv").read_text() == "old" and (results / "groups/root.0").is_dir()
    assert kept.put_back() == []


def test_what_cannot_be_put_back_stays_kept(results, monkeypatch):
    kept = KeptResults("results/r/.kept")
    kept.keep(OUTPUTS[:1])
    (results / "table.csv").unlink()
    with monkeypatch.context() as full:
        full.setattr(os, "replace", no_links)
        full.setattr("shutil.move", no_links)
        assert kept.put_back() == []
    assert kept.put_back() == OUTPUTS[:1]
    assert (results / "table.csv").read_text() == "old"
