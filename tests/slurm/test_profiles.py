"""The profile for SLURM beside the one that loads by itself."""

import re

import yaml

from helpers.places import REPOSITORY

SHARED = {"scheduler", "rerun-incomplete", "show-failed-logs", "keep-going", "rerun-triggers", "max-checksum-file-size"}


def read(profile):
    return yaml.safe_load((REPOSITORY / f"profiles/{profile}/config.yaml").read_text(encoding="utf-8"))


def test_profiles_agree_on_what_runs_again():
    default, slurm = read("default"), read("slurm")
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
