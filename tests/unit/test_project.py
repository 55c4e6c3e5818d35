"""The repository's own rules: environments, rooms, data flow, seeds and logs."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib import import_module

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from helpers.places import LIBRARY, REPOSITORY
from nearlabel.seeds import derive_seed

# Data flows one way: from rooms of a smaller number to those of a larger one.
ROOMS = {"images": 0, "features": 1, "grouping": 2, "learning": 2, "labelling": 3, "production": 4, "report": 4}
# Rooms that know the configuration; what jobs run does not.
PLANNING = ("config", "plan")


def imports(file):
    for statement in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(statement, ast.Import):
            yield from (alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            yield statement.module


def test_conda_environment_equals_pyproject():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {re.sub(r"^torch(?=[>=<])", "pytorch", entry) for entry in project["dependencies"]}
    wanted.add(f"python{project['requires-python']}")
    for file in (REPOSITORY / "envs").glob("*.yaml"):
        assert set(yaml.safe_load(file.read_text(encoding="utf-8"))["dependencies"]) == wanted


def test_the_catalogue_finds_what_it_asks_for():
    """The Snakemake workflow catalogue's `generate-catalog.py`: what it reads, and the files that it looks for."""
    text = (REPOSITORY / ".snakemake-workflow-catalog.yml").read_text(encoding="utf-8")
    usage = yaml.safe_load(text).pop("usage")
    assert usage.keys() == {"mandatory-flags", "software-stack-deployment", "report"}
    assert usage["mandatory-flags"].keys() == {"desc", "flags"}
    assert usage["mandatory-flags"]["desc"] and usage["mandatory-flags"]["flags"] == []
    deployment = usage["software-stack-deployment"]
    assert deployment == {"conda": True, "apptainer": False, "apptainer+conda": False} and usage["report"] is True
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8").lower()
    assert "snakemake" in readme and "workflow" in readme
    for file in ("Snakefile", "config/README.md", "config/config.yaml"):
        assert (REPOSITORY / file).is_file()
    # A folder `workflow` would be searched for the Snakefile instead.
    assert not (REPOSITORY / "workflow").exists() and list((REPOSITORY / "rules").glob("*.smk"))
    for file in (REPOSITORY / "rules").glob("*.smk"):
        rules = re.split(r"^ *(?:rule|checkpoint) \w+:", file.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
        assert all("conda:" in rule or "localrule: True" in rule for rule in rules), file.name


def test_constraints_are_what_pyproject_allows():
    """The versions of the tested environment: one for each dependency, extras' included, none older than allowed."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = (REPOSITORY / "envs/constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = [Requirement(line) for line in lines if not line.startswith("#")]
    for entry in pinned:
        assert re.fullmatch(r"==[^,*]+", str(entry.specifier)) and not entry.url and not entry.marker, entry
    versions = {canonicalize_name(entry.name): next(iter(entry.specifier)).version for entry in pinned}
    assert len(versions) == len(pinned)
    extras = project["optional-dependencies"].values()
    for wanted in map(Requirement, [*project["dependencies"], *(entry for extra in extras for entry in extra)]):
        if wanted.name != project["name"]:
            version = versions[canonicalize_name(wanted.name)]
            assert wanted.specifier.contains(version), f"{wanted.name} {version} is not {wanted.specifier}; freeze anew"


def test_every_data_file_of_the_library_is_packaged(tmp_path):
    """As setuptools finds them, in folders within folders too."""
    tool = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    [(package, patterns)] = tool["package-data"].items()
    assert package == "nearlabel"
    (tmp_path / "report/templates/explorer/parts").mkdir(parents=True)
    (tmp_path / "report/templates/explorer/parts/map.js").touch()
    deep = [file for pattern in patterns for file in tmp_path.glob(pattern) if file.is_file()]
    assert [file.name for file in deep] == ["map.js"]
    packaged = {file for pattern in patterns for file in LIBRARY.glob(pattern)}
    others = {file for file in LIBRARY.rglob("*") if file.is_file() and file.suffix not in (".py", ".pyc")}
    assert others and others <= packaged


def test_data_flows_one_way():
    wrong = []
    for file in LIBRARY.rglob("*.py"):
        parts = file.relative_to(LIBRARY).parts
        room = parts[0] if len(parts) > 1 else None
        for name in imports(file):
            top, *rest = name.split(".")
            to = rest[0] if top == "nearlabel" and rest and (LIBRARY / rest[0]).is_dir() else None
            if top == "snakemake" or (to in PLANNING and room not in PLANNING):
                wrong.append(f"{file.name} imports {name}")
            elif to in ROOMS and room not in PLANNING and to != room and ROOMS[to] >= ROOMS.get(room, -1):
                # The base imports from no room; a room imports from its left only.
                wrong.append(f"{file.name} imports {name}")
    assert wrong == []


def test_the_report_shares_its_base_and_its_halves_share_nothing_else():
    wrong = []
    for half, other in (("grouping", "learning"), ("learning", "grouping"), ("base", "grouping"), ("base", "learning")):
        for file in (LIBRARY / "report" / half).rglob("*.py"):
            wrong += [f"{file.name} imports {n}" for n in imports(file) if n.startswith(f"nearlabel.report.{other}")]
    assert wrong == []


def test_no_room_is_too_large():
    for folder in {file.parent for file in LIBRARY.rglob("*.py")}:
        modules = [file for file in folder.glob("*.py") if file.name != "__init__.py"]
        assert len(modules) <= 14, f"{folder} holds {len(modules)} modules; give it rooms"
        for file in folder.glob("*.py"):
            lines = file.read_text(encoding="utf-8").count("\n")
            assert lines <= 300, f"{file} has {lines} lines; it probably holds two modules"


def test_tests_lie_as_the_library_does():
    for file in (REPOSITORY / "tests/unit").rglob("test_*.py"):
        folder = file.parent.relative_to(REPOSITORY / "tests/unit")
        assert (LIBRARY / folder).is_dir(), f"{file} mirrors no folder of the library"


def test_names_in_docstrings_exist():
    """Every `nearlabel.….name` in code and documents is a module or something that a module defines."""
    defined = {}
    for file in LIBRARY.rglob("*.py"):
        module = ".".join(("nearlabel", *file.relative_to(LIBRARY).with_suffix("").parts)).removesuffix(".__init__")
        tree = ast.parse(file.read_text(encoding="utf-8"))
        names = {node.name for node in ast.walk(tree) if hasattr(node, "name")}
        names |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        names |= {alias.asname or alias.name for n in tree.body if isinstance(n, ast.ImportFrom) for alias in n.names}
        defined[module] = names
    documents = [*LIBRARY.rglob("*.py"), *LIBRARY.rglob("*.html"), *(REPOSITORY / "workflow_scripts").glob("*.py")]
    documents += [*LIBRARY.rglob("*.md"), REPOSITORY / "README.md", REPOSITORY / "config/README.md"]
    documents.append(REPOSITORY / ".github/CONTRIBUTING.md")
    wrong = []
    for file in documents:
        for name in set(re.findall(r"\bnearlabel(?:\.[A-Za-z_]\w*)+", file.read_text(encoding="utf-8"))):
            parts = name.split(".")
            ends = [end for end in range(len(parts), 0, -1) if ".".join(parts[:end]) in defined]
            known = ends and (ends[0] == len(parts) or parts[ends[0]] in defined[".".join(parts[: ends[0]])])
            if not known and not name.endswith(".yaml"):
                wrong.append(f"{file.name}: {name}")
    assert wrong == []


def test_scripts_are_named_after_rules_and_leave_config_alone():
    rules = set()
    for file in (REPOSITORY / "rules").glob("*.smk"):
        rules |= set(re.findall(r"^ *(?:rule|checkpoint) (\w+):", file.read_text(encoding="utf-8"), re.MULTILINE))
    for script in (REPOSITORY / "workflow_scripts").glob("*.py"):
        assert script.stem in rules
        assert not any(name.startswith(("nearlabel.config", "nearlabel.plan")) for name in imports(script))
        assert "snakemake.config" not in script.read_text(encoding="utf-8")


def test_the_snakefile_imports_nothing_heavy():
    common = (REPOSITORY / "rules/common.smk").read_text(encoding="utf-8")
    statements = re.findall(r"^from nearlabel.*? import (?:\([^)]*\)|.*)$", common, re.MULTILINE)
    assert len(statements) > 5
    code = "\n".join(statements) + (
        "\nimport sys\nprint([m for m in ('torch', 'torchvision', 'sklearn', 'skimage', 'scipy', 'pandas', "
        "'matplotlib', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "contract",
    [
        "nearlabel.grouping.scores.quality.label_entropy",
        "nearlabel.grouping.scores.silhouettes.silhouette_scores",
        "nearlabel.grouping.scores.cscore.c_score",
        "nearlabel.grouping.scores.cscore.normalized_c_score",
        "nearlabel.grouping.scores.cscore.convergence_difference",
        "nearlabel.grouping.scores.cscore.permutation_null",
        "nearlabel.grouping.clustering.algorithms.cluster",
        "nearlabel.features.encoders.build_encoder",
        "nearlabel.features.store.read_features",
        "nearlabel.images.readers.read_dataset",
        "nearlabel.learning.network.gradcam.activation_maps",
        "nearlabel.learning.strategies.ssim.ssim_to_reference",
        "nearlabel.learning.strategies.STRATEGIES",
        "nearlabel.learning.stopping.knee.knee_point",
    ],
)
def test_names_that_outside_scripts_rely_on(contract):
    module, _, name = contract.rpartition(".")
    assert callable(getattr(import_module(module), name)) or name.isupper()


def test_seeds_depend_on_run_and_purpose():
    assert derive_seed(0, "a") == derive_seed(0, "a")
    assert len({derive_seed(s, p) for s in range(10) for p in ("a", "b", "c")}) == 30
    assert 0 <= derive_seed(0, "a") < 2**32


def test_warnings_are_called_so(tmp_path):
    code = (
        "import logging; from nearlabel.logs import configure_logging; "
        f"configure_logging({str(tmp_path / 'job.log')!r}); "
        "logging.info('60 images'); logging.warning('2 files rejected')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines() == ["job: 60 images", "job: warning: 2 files rejected"]
    assert "WARNING root: 2 files rejected" in (tmp_path / "job.log").read_text(encoding="utf-8")


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
