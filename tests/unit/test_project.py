"""The repository's own rules: environments, data flow, seeds and logs."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml

from nearlabel.learning.cutoffs import CUTOFFS
from nearlabel.report.learning_tables import LEARNING_TABLES
from nearlabel.seeds import derive_seed

REPOSITORY = Path(__file__).parents[2]
LIBRARY = REPOSITORY / "workflow_scripts/nearlabel"
ROOMS = {"images": 0, "features": 1, "grouping": 2, "learning": 2, "report": 3}


def imports(file):
    for statement in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(statement, ast.Import):
            yield from (alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            assert not statement.level, f"{file} has a relative import, which the rules' source finder does not follow"
            yield statement.module


def test_conda_environment_equals_pyproject():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {re.sub(r"^torch(?=[>=<])", "pytorch", entry) for entry in project["dependencies"]}
    wanted.add(f"python{project['requires-python']}")
    for file in (REPOSITORY / "envs").glob("*.yaml"):
        assert set(yaml.safe_load(file.read_text(encoding="utf-8"))["dependencies"]) == wanted


def test_data_flows_one_way():
    wrong = []
    for file in LIBRARY.rglob("*.py"):
        parts = file.relative_to(LIBRARY).parts
        if len(parts) == 1 or parts[0] == "config":
            continue
        for name in imports(file):
            pieces = name.split(".")
            if pieces[0] == "snakemake" or pieces[:2] in (["nearlabel", "config"], ["nearlabel", "plan"]):
                wrong.append(f"{file.name} imports {name}")
            rank = ROOMS.get(pieces[1], -1) if pieces[0] == "nearlabel" and len(pieces) > 1 else -1
            if rank > ROOMS[parts[0]] or (rank == ROOMS[parts[0]] and pieces[1] != parts[0]):
                wrong.append(f"{file.name} imports {name}")
    assert wrong == []


def test_rules_and_library_name_the_same_files():
    # The rules do not import the library's modules for them, which would import pandas whenever they are parsed.
    rules = (REPOSITORY / "rules/common_learning.smk").read_text(encoding="utf-8")
    for name, expected in (("CUTOFFS", CUTOFFS), ("LEARNING_TABLES", LEARNING_TABLES)):
        assert ast.literal_eval(re.search(rf"^{name} = (\(.*?\))", rules, re.MULTILINE | re.DOTALL)[1]) == expected


def test_scripts_are_named_after_rules_and_leave_config_alone():
    rules = set()
    for file in (REPOSITORY / "rules").glob("*.smk"):
        rules |= set(re.findall(r"^ *(?:rule|checkpoint) (\w+):", file.read_text(encoding="utf-8"), re.MULTILINE))
    for script in (REPOSITORY / "workflow_scripts").glob("*.py"):
        assert script.stem in rules
        assert not any(name.startswith("nearlabel.config") for name in imports(script))
        assert "snakemake.config" not in script.read_text(encoding="utf-8")


def test_the_snakefile_imports_nothing_heavy():
    code = (
        "import sys, nearlabel.plan, nearlabel.images.listing, nearlabel.seeds; "
        "print([m for m in ('torch', 'torchvision', 'sklearn', 'skimage', 'scipy', 'pandas', 'matplotlib', 'numpy')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_seeds_depend_on_run_and_purpose():
    assert derive_seed(0, "a") == derive_seed(0, "a")
    assert len({derive_seed(s, p) for s in range(10) for p in ("a", "b", "c")}) == 30
    assert 0 <= derive_seed(0, "a") < 2**32


def test_uncaught_errors_reach_log_and_stderr(tmp_path):
    code = (
        "from nearlabel.logs import configure_logging; "
        f"configure_logging({str(tmp_path / 'logs/job.log')!r}); "
        "raise ValueError('images.csv has no rows; check the data set')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.strip() == "ValueError: images.csv has no rows; check the data set"
    assert "Traceback" in (tmp_path / "logs/job.log").read_text(encoding="utf-8")
