"""The profile for SLURM beside the one that loads by itself."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from helpers.places import REPOSITORY

SHARED = {"scheduler", "rerun-incomplete", "show-failed-logs", "keep-going", "rerun-triggers", "max-checksum-file-size"}
SHARED |= {"__use_yte__", "__definitions__"}  # what looks at config files first
SHARED |= {"report-stylesheet"}


def read(profile):
    return yaml.safe_load((REPOSITORY / f"profiles/{profile}/config.yaml").read_text(encoding="utf-8"))


def test_profiles_agree_on_what_runs_again():
    default, slurm = read("default"), read("slurm")
    # Each of a cluster's jobs has a GPU of its own.
    assert default.pop("resources") == {"card": 2} and "card" not in slurm["resources"]
    assert default.keys() == SHARED
    assert {key: slurm[key] for key in SHARED} == default


def test_every_entry_of_a_profile_has_its_reason():
    for profile in ("default", "slurm"):
        lines = (REPOSITORY / f"profiles/{profile}/config.yaml").read_text(encoding="utf-8").splitlines()
        lines = lines[: next((i for i, line in enumerate(lines) if line.startswith("# As in profiles/default")), None)]
        entries = [i for i, line in enumerate(lines) if re.match(r"[a-z]", line)]
        assert entries
        assert all(lines[i - 1].startswith("#") for i in entries)


def rules():
    """Text of each rule that runs a script."""
    text = "".join(file.read_text(encoding="utf-8") for file in sorted((REPOSITORY / "rules").glob("*.smk")))
    found = re.split(r"^ *(?:rule|checkpoint) (\w+):\n", text, flags=re.MULTILINE)[1:]
    return dict(zip(found[::2], found[1::2], strict=True))


def test_every_rule_says_what_it_needs():
    for name, text in rules().items():
        for needed in (r"^ +threads: ", r"^ +mem_mb=", r"^ +runtime="):
            assert re.search(needed, text, re.MULTILINE), f"{name} lacks {needed}"


def test_batched_rules_are_those_in_groups():
    batched = {name for name, text in rules().items() if re.search(r"^ +batched=1,", text, re.MULTILINE)}
    assert batched == set(read("slurm")["groups"])


def test_rules_that_stand_side_by_side_in_a_group_ask_for_the_same_words():
    # Snakemake adds up the numbers that a group's jobs ask for, and refuses other words of those side by side.
    numbers, words = {"mem_mb", "runtime", "batched", "gpu", "card", "min_overlap"}, {}
    for name, group in read("slurm")["groups"].items():
        block = re.search(r"^    resources:\n((?:        .*\n)+)", rules()[name], re.MULTILINE)[1]
        asked = re.findall(r"^        (\w+)=(.*),$", block, re.MULTILINE)
        words.setdefault(group, {})[name] = {(key, value) for key, value in asked if key not in numbers}
    # The jobs of one run of active learning follow each other.
    del words["cutoffs"]
    assert words["scores"]["compare_encoders"] == {("device", "PLAN.grouping.device")}
    for group, asked in words.items():
        assert len(set(map(frozenset, asked.values()))) == 1, f"{group}: {asked}"


def asked_of_snakemake(tmp_path, granted):
    """What `one_allocation.sh` asks of snakemake where SLURM has granted something."""
    fake = tmp_path / "snakemake"
    fake.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n', encoding="utf-8")
    fake.chmod(0o755)
    environment = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        **{f"SLURM_{key}": text for key, text in granted.items()},
    }
    done = subprocess.run(
        ["bash", REPOSITORY / "profiles/slurm/one_allocation.sh", "grouping", "--configfile", "a b.yaml"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    words = done.stdout.splitlines()
    assert words[-3:] == ["grouping", "--configfile", "a b.yaml"] and words[0] == "--resources"
    cores = words.index("--cores")
    return {"cores": words[cores + 1], **dict(word.split("=") for word in words[1:cores])}


MEMORY_HERE = int(re.search(r"MemTotal: +(\d+)", Path("/proc/meminfo").read_text())[1]) // 1024


@pytest.mark.parametrize(
    ("granted", "asked"),
    [
        # As the script's own lines ask.
        ({"CPUS_ON_NODE": "8", "CPUS_PER_TASK": "8", "MEM_PER_NODE": "32768"}, ("8", "32768", "0")),
        ({"CPUS_ON_NODE": "16", "CPUS_PER_TASK": "16", "MEM_PER_CPU": "4000"}, ("16", "64000", "0")),
        ({"CPUS_ON_NODE": "8", "CPUS_PER_TASK": "8", "MEM_PER_GPU": "30000", "GPUS_ON_NODE": "2"}, ("8", "60000", "2")),
        # A cluster that does not count memory.
        ({"CPUS_ON_NODE": "4", "CPUS_PER_TASK": "4"}, ("4", None, "0")),
        # --mem=0, --mem-per-cpu=0
        ({"CPUS_ON_NODE": "4", "MEM_PER_NODE": "0"}, ("4", str(MEMORY_HERE), "0")),
        ({"CPUS_ON_NODE": "4", "MEM_PER_CPU": "0"}, ("4", str(MEMORY_HERE), "0")),
        # --exclusive: the whole node.
        ({"CPUS_ON_NODE": "64", "CPUS_PER_TASK": "8", "MEM_PER_NODE": "500000"}, ("64", "500000", "0")),
        # --ntasks without --cpus-per-task, and a SLURM that does not say how many CPUs are on the node.
        ({"CPUS_ON_NODE": "12", "NTASKS": "12", "MEM_PER_NODE": "1000"}, ("12", "1000", "0")),
        ({"NTASKS": "12", "MEM_PER_CPU": "100"}, ("12", "1200", "0")),
        ({"NTASKS": "2", "CPUS_PER_TASK": "3"}, ("6", None, "0")),
        ({}, ("1", None, "0")),
        # With units.
        ({"CPUS_ON_NODE": "2", "MEM_PER_NODE": "64G"}, ("2", "65536", "0")),
        ({"CPUS_ON_NODE": "2", "MEM_PER_NODE": "64GB"}, ("2", "65536", "0")),
        ({"CPUS_ON_NODE": "2", "MEM_PER_NODE": "1T"}, ("2", "1048576", "0")),
        ({"CPUS_ON_NODE": "2", "MEM_PER_NODE": "2048000K"}, ("2", "2000", "0")),
        ({"CPUS_ON_NODE": "2", "MEM_PER_CPU": "500M"}, ("2", "1000", "0")),
    ],
)
def test_one_allocation_uses_what_slurm_granted(granted, asked, tmp_path):
    found = asked_of_snakemake(tmp_path, granted)
    assert (found["cores"], found.get("mem_mb"), found["gpu"]) == asked
    # The command line takes the place of what the profile says of a card.
    assert found["card"] == "2"
