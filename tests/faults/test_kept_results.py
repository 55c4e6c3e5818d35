"""A rerun that fails, or is killed, costs nothing that earlier runs have made; what failed is made again."""

import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
from PIL import Image

from faults.test_workflow_faults import mounted, said
from helpers.workspace import Workspace, copy_workflow

GROUPING = "results/tiny/steel/grouping"
GROUPS = f"{GROUPING}/groups.csv"
COLLECTED = ("groups.csv", "groups", "remembered.csv", "levels")
BEGIN = "configure_logging(snakemake.log[0])\n"
# What a job begins with that shall be caught at work.
SLEEP = f"{BEGIN}import os, pathlib, time\npathlib.Path('at_work').write_text(str(os.getpid()))\ntime.sleep(300)\n"


def change(workspace, section, **keys):
    config = workspace.config
    config[section] |= keys
    workspace.config = config


def contents(folder, *names):
    """Bytes of files; links are there or not."""
    files = [file for name in names for file in [folder / name, *sorted((folder / name).rglob("*"))]]
    files = [file for file in files if not file.name.startswith(".") and (file.is_symlink() or file.is_file())]
    return {str(file.relative_to(folder)): b"a link" if file.is_symlink() else file.read_bytes() for file in files}


def nothing_kept(workspace):
    return not list((workspace.folder / "results").glob("*/.kept"))


def wait_for(file, process):
    until = time.monotonic() + 120
    while not file.exists():
        assert process.poll() is None and time.monotonic() < until
        time.sleep(0.05)
    time.sleep(0.3)  # as text, too


def test_a_wrong_name_costs_no_group(workspace):
    grouping = workspace.folder / GROUPING
    before = contents(grouping, *COLLECTED)
    assert len(before) > 27
    sentence = workspace.name_other_images()
    for _ in range(2):  # a second time too: what was put back must not count as made
        printed = said(workspace.snakemake(GROUPS, check=False))
        assert contents(grouping, *COLLECTED) == before
    assert nothing_kept(workspace)
    # The reason last, below all that Snakemake says.
    last = printed.rstrip().splitlines()
    assert last[-1].startswith(sentence)
    assert last[-2].startswith("kept as an earlier run made it, and made anew by the next: ") and GROUPS in last[-2]
    # Nothing is remembered of a name beside a wrong one.
    assert [file.name for file in (grouping / "remembered/names").iterdir()] == ["root.1.json"]
    (workspace.folder / "names.csv").write_text("node,name\nroot.1,good\n", encoding="utf-8")
    workspace.snakemake(GROUPS)
    assert "good" in (workspace.folder / GROUPS).read_text(encoding="utf-8")
    assert workspace.jobs(GROUPS) == set()


@pytest.mark.slow
def test_the_report_of_a_run_that_failed_does_not_look_current(workspace):
    page, tables = workspace.folder / "results/tiny/report/index.html", workspace.folder / "results/tiny/tables"
    before, clusters = page.read_text(encoding="utf-8"), contents(tables, "clusters.csv", "clusters.md")
    workspace.name_other_images()
    said(workspace.snakemake(check=False))
    assert 'role="alert"' in page.read_text(encoding="utf-8") and 'role="alert"' not in before
    (workspace.folder / "names.csv").write_text("node;title\nroot.1;x\n", encoding="utf-8")
    said(workspace.snakemake(check=False))
    assert contents(tables, "clusters.csv", "clusters.md").keys() == clusters.keys()
    assert page.read_text(encoding="utf-8").count('role="alert"') == 1
    change(workspace, "grouping", names={})
    done = workspace.snakemake()
    assert 'role="alert"' not in page.read_text(encoding="utf-8")
    assert contents(tables, "clusters.csv", "clusters.md") == clusters
    assert done.stderr.rstrip().endswith(f"report: {page}")


def own_run(folder, dataset):
    """A small run on images of one's own, up to its groups."""
    folder.mkdir()
    copy_workflow(folder)
    (folder / "own").mkdir()
    for number in range(12):
        Image.linear_gradient("L").resize((40, 24)).rotate(30 * number).save(folder / f"own/{number}.jpg")
    workspace = Workspace(folder)
    level = {"encoders": ["texture"], "algorithms": ["kmeans"], "ks": [2, 3]}
    workspace.config = {
        "run": "own",
        "datasets": {"parts": dataset},
        "features": {"image_size": 32, "device": "cpu"},
        "grouping": {"datasets": ["parts"], "levels": [level], "bootstraps": 2},
    }
    return workspace


TABLES = {
    "near-labels": (
        {"kind": "image_folder", "root": "own", "near_labels": "labels.csv"},
        "labels.csv",
        "image_id,near_label\n" + "".join(f"{i}.jpg,{i % 2}\n" for i in range(12)),
    ),
    "list of images": (
        {"kind": "csv", "file": "list.csv", "root": "own"},
        "list.csv",
        "path,label\n" + "".join(f"{i}.jpg,{i % 2}\n" for i in range(12)),
    ),
    "Severstal": (
        {"kind": "severstal", "root": "own"},
        "own/train.csv",
        "ImageId,ClassId,EncodedPixels\n" + "".join(f"{i}.jpg,{1 + i % 2},1 3\n" for i in range(6)),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("table", TABLES)
def test_a_mistake_in_a_table_of_the_users_costs_nothing(table, tmp_path):
    dataset, file, text = TABLES[table]
    workspace = own_run(tmp_path / "run", dataset)
    if table == "Severstal":
        shutil.copytree(workspace.folder / "own", workspace.folder / "own/train_images")
    table = workspace.folder / file
    table.write_text(text, encoding="utf-8")
    target = "results/own/parts/grouping/groups.csv"
    workspace.snakemake(target)
    run = workspace.folder / "results/own/parts"
    before = contents(run, ".")
    header, *rows = text.splitlines(keepends=True)
    for mistake in (header.replace(",", ";") + "".join(rows), "x" + text, text + '"open,0\n'):
        table.write_text(mistake, encoding="utf-8")
        said(workspace.snakemake(target, check=False))
        assert contents(run, ".") == before
    table.write_text(text, encoding="utf-8")
    workspace.snakemake(target)
    assert contents(run, ".") == before and nothing_kept(workspace)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("whom", "how"),
    [
        ("snakemake", signal.SIGKILL),
        ("snakemake", signal.SIGTERM),
        ("snakemake", signal.SIGINT),
        ("job", signal.SIGKILL),
        ("job", signal.SIGTERM),
    ],
)
def test_a_kill_costs_nothing(whom, how, workspace):
    grouping = workspace.folder / GROUPING
    before = contents(grouping, *COLLECTED)
    script = workspace.folder / "workflow_scripts/collect_groups.py"
    right, at_work = script.read_text(encoding="utf-8"), workspace.folder / "at_work"
    script.write_text(right.replace(BEGIN, SLEEP), encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "snakemake", "--configfile", "tiny.yaml", "--cores", "2", GROUPS],
        cwd=workspace.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True,
        # What a shell starts in the background ignores Ctrl-C, and hands that on.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    wait_for(at_work, process)
    job = int(at_work.read_text(encoding="utf-8"))
    if whom == "job":
        os.kill(job, how)
    elif how == signal.SIGTERM:
        os.kill(process.pid, how)  # it waits for the jobs that run
        time.sleep(1)
        os.kill(job, signal.SIGKILL)
    else:
        os.killpg(process.pid, how)
    printed = process.communicate(timeout=180)[1]
    assert process.returncode != 0
    if (whom, how) == ("snakemake", signal.SIGKILL):
        workspace.snakemake("--unlock")
        # Even when the next call fails before that job comes, and is for something else.
        script.write_text(right.replace(BEGIN, f"{BEGIN}raise ValueError('no')\n"), encoding="utf-8")
        said(workspace.snakemake(GROUPS, check=False))
    else:
        assert "Traceback" not in printed
        last = printed.rstrip().splitlines()[-1]
        interrupted = how == signal.SIGINT
        assert last.startswith("interrupted: the same command goes on" if interrupted else "failed: ")
    assert contents(grouping, *COLLECTED) == before and nothing_kept(workspace)
    script.write_text(right, encoding="utf-8")
    assert workspace.jobs(GROUPS) == {"collect_groups"}
    workspace.snakemake(GROUPS)
    assert contents(grouping, *COLLECTED) == before
    assert workspace.jobs(GROUPS) == set()


@pytest.mark.slow
def test_a_full_disk_costs_nothing(workspace):
    """There is room for the old stores, but not for a new one beside it."""
    results, target = workspace.folder / "results", "results/tiny/steel/images/64.h5"
    before = contents(results / "tiny", "steel")
    shutil.copytree(results, workspace.folder / "copy", symlinks=True)
    with mounted(results, "size=64m"):
        shutil.copytree(workspace.folder / "copy", results, symlinks=True, dirs_exist_ok=True)
        used = int(subprocess.run(["df", "--output=used", "-k", str(results)], capture_output=True).stdout.split()[1])
        subprocess.run(["mount", "-o", f"remount,size={used + 160}k", str(results)], check=True)
        printed = said(workspace.snakemake(target, "--force", check=False))
        assert "No space left on device" in printed or "errno = 28" in printed
        assert contents(results / "tiny", "steel") == before
        subprocess.run(["mount", "-o", "remount,size=64m", str(results)], check=True)
        workspace.snakemake(target)
        assert contents(results / "tiny", "steel") == before and nothing_kept(workspace)


@pytest.mark.slow
def test_a_tree_that_grows_keeps_what_it_has(workspace):
    """Jobs below a checkpoint are planned while the run goes."""
    change(workspace, "grouping", expand="auto", expand_limits={"min_size": 4, "max_level": 1, "max_children": 1})
    workspace.snakemake(GROUPS)
    [child] = [folder for folder in (workspace.folder / GROUPING).glob("root.*") if (folder / "clusters.csv").exists()][
        -1:
    ]
    before = contents(workspace.folder / GROUPING, child.name)
    script = workspace.folder / "workflow_scripts/select_clustering.py"
    right = script.read_text(encoding="utf-8")
    stop = "if snakemake.wildcards.node != 'root':\n    raise ValueError('below the root')\n"
    script.write_text(stop + right, encoding="utf-8")
    said(workspace.snakemake(GROUPS, check=False))
    assert contents(workspace.folder / GROUPING, child.name) == before
    script.write_text(right, encoding="utf-8")
    workspace.snakemake(GROUPS)
    assert contents(workspace.folder / GROUPING, child.name) == before
