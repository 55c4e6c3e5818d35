"""What results depend on, found in a small library of the test's own and in nearlabel itself."""

import importlib.metadata
import re
import textwrap

import pytest

from helpers.places import LIBRARY, REPOSITORY
from nearlabel import sources

SCRIPTS = REPOSITORY / "workflow_scripts"


@pytest.fixture
def library(tmp_path, monkeypatch):
    """A library called `own` whose modules a test writes; returns the function that writes one."""
    root = tmp_path / "own"
    monkeypatch.setattr(sources, "_ROOT", root)

    def forget():
        for kept in (sources._read, sources._close, sources.closure, sources._version, sources._find):
            kept.cache_clear()

    def write(name, text):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        forget()

    for package in ("__init__.py", "room/__init__.py", "other/__init__.py"):
        write(package, '"""A room."""\n')
    yield write
    forget()


def code(*names):
    return sources.sources_of(*names).code


def test_comments_docstrings_and_layout_do_not_count(library):
    library("room/steps.py", "def f(x):\n    return x + 1\n\n\nWIDTH = 3\n")
    plain = code("own.room.steps")
    library(
        "room/steps.py",
        '''
        """Module."""


        def f(x):  # why
            """Doc."""
            return (x + 1)

        WIDTH = 3
        """What the width is."""
        ''',
    )
    assert code("own.room.steps") == plain
    library("room/steps.py", "def f(x):\n    return x + 2\n\n\nWIDTH = 3\n")
    assert code("own.room.steps") != plain


@pytest.mark.parametrize(
    "statement",
    [
        "import own.other.deep",
        "import own.other.deep as deep",
        "from own.other.deep import g",
        "from own.other import deep",
        "def f():\n    from own.other.deep import g\n    return g()",
        "class A:\n    def f(self):\n        import own.other.deep\n",
        "if True:\n    from own.other.deep import g",
    ],
)
def test_every_kind_of_import_counts_and_what_it_imports(library, statement):
    library("room/steps.py", statement + "\n")
    library("other/deep.py", "from own.other.deeper import h\n\ndef g():\n    return h()\n")
    library("other/deeper.py", "def h():\n    return 1\n")
    assert sources.closure(frozenset({"own.room.steps"})) >= {"own.other", "own.other.deep", "own.other.deeper"}
    before = code("own.room.steps")
    library("other/deeper.py", "def h():\n    return 2\n")
    assert code("own.room.steps") != before


def test_packages_on_the_way_count_and_others_do_not(library):
    library("room/steps.py", "from own.other.deep import g\n")
    library("other/deep.py", "def g():\n    return 1\n")
    before = code("own.room.steps")
    library("room/neighbour.py", "X = 1\n")
    assert code("own.room.steps") == before
    for package in ("other/__init__.py", "room/__init__.py", "__init__.py"):
        library(package, f"X = {package!r}\n")
        changed = code("own.room.steps")
        assert changed != before, package
        before = changed


def test_circles_end(library):
    library("room/one.py", "def f():\n    from own.room.two import g\n")
    library("room/two.py", "from own.room.one import f\n")
    assert sources.closure(frozenset({"own.room.one"})) == {"own", "own.room", "own.room.one", "own.room.two"}


def test_only_libraries_that_are_imported_count_each_with_its_version(library, monkeypatch):
    installed = {"numpy": "2.1", "torch": "2.14", "scikit-learn": "1.9", "pillow": "12"}

    def version(name):
        if name not in installed:
            raise importlib.metadata.PackageNotFoundError(name)
        return installed[name]

    monkeypatch.setattr(sources, "version", version)
    library("room/steps.py", "import numpy as np\nimport pandas\nfrom own.other.deep import g\n")
    library("other/deep.py", "def g():\n    from PIL import Image\n    from skimage.feature import hog\n")
    found = sources.sources_of("own.room.steps")
    assert found.libraries == {"numpy": "2.1", "pillow": "12", "scikit-image": ""}
    installed |= {"torch": "3", "scikit-learn": "2"}
    sources._version.cache_clear()
    assert sources.sources_of("own.room.steps").hash() == found.hash()
    installed["pillow"] = "13"
    sources._version.cache_clear()
    sources._close.cache_clear()
    upgraded = sources.sources_of("own.room.steps")
    assert (upgraded.code, upgraded.hash()) == (found.code, upgraded.hash()) and upgraded.hash() != found.hash()


def test_data_files_that_a_module_reads_count(library, tmp_path):
    (tmp_path / "own/room/forms/inner").mkdir(parents=True)
    page = tmp_path / "own/room/forms/inner/page.html"
    page.write_text("<p>", encoding="utf-8")
    library("room/steps.py", 'from own.sources import data_path\n\nFORMS = data_path(__file__, "forms")\n')
    library("sources.py", "def data_path(file, name): ...\n")
    before = code("own.room.steps")
    page.write_text("<p>more", encoding="utf-8")
    sources._read.cache_clear()
    sources._close.cache_clear()
    changed = code("own.room.steps")
    assert changed != before
    (page.parent / "other.css").write_text("", encoding="utf-8")
    sources._read.cache_clear()
    sources._close.cache_clear()
    assert code("own.room.steps") not in (before, changed)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("from . import other", "steps.py:1: a relative import; write the module's whole name"),
        ("from .other import x", "a relative import"),
        ("import importlib\nimportlib.import_module('own.other')", "steps.py:2: imports a module by a text"),
        ("from importlib import import_module\nimport_module('own.other')", "imports a module by a text"),
        ("__import__('own.other')", "imports a module by a text"),
        ("from pathlib import Path\nX = Path(__file__).parent", "steps.py:2: finds files by __file__"),
        ("X = data_path(__file__, NAME)", 'write data_path\\(__file__, "…"\\) with a literal name'),
        ("X = data_path(__file__, 'missing')", "there is no missing beside it"),
    ],
)
def test_what_cannot_be_followed_is_refused(library, text, sentence):
    library("room/steps.py", text + "\n")
    with pytest.raises(ValueError, match=sentence):
        code("own.room.steps")


def test_a_module_that_does_not_exist_is_named(library):
    with pytest.raises(ValueError, match=r"there is no module own\.room\.missing"):
        code("own.room.missing")


def test_a_script_counts_itself_with_what_it_imports(library, tmp_path):
    library("room/steps.py", "X = 1\n")
    script = tmp_path / "run_steps.py"
    script.write_text("from own.room.steps import X\n\nprint(snakemake.input)\n", encoding="utf-8")
    before = sources.sources_of_script(script).hash()
    script.write_text("from own.room.steps import X  # why\n\nprint(snakemake.input)\n", encoding="utf-8")
    sources._read.cache_clear()
    assert sources.sources_of_script(script).hash() == before
    script.write_text("from own.room.steps import X\n\nprint(snakemake.output)\n", encoding="utf-8")
    sources._read.cache_clear()
    changed = sources.sources_of_script(script).hash()
    assert changed != before
    library("room/steps.py", "X = 2\n")
    assert sources.sources_of_script(script).hash() != changed


def test_fingerprints_follow_the_facts_and_not_their_order():
    facts = {"encoder": "resnet18", "batch_size": 32, "settings": {"threads": 1}}
    assert sources.fingerprint(facts) == sources.fingerprint(dict(reversed(facts.items())))
    for change in ({"batch_size": 16}, {"settings": {"threads": 2}}, {"encoder": "resnet50"}):
        assert sources.fingerprint(facts | change) != sources.fingerprint(facts)


# nearlabel itself


def modules(script):
    return sources.closure(sources._read(SCRIPTS / f"{script}.py").imports)


def test_every_module_and_script_can_be_followed():
    for name in sources.module_names():
        assert len(sources.sources_of(name).code) == 64
    for script in SCRIPTS.glob("*.py"):
        assert len(sources.sources_of_script(script).hash()) == 64


def test_no_module_is_left_out_of_every_rule_and_of_the_plan():
    used = sources.closure(frozenset({"nearlabel.config", "nearlabel.plan", *EVERYWHERE}))
    used |= frozenset().union(*(modules(script.stem) for script in SCRIPTS.glob("*.py")))
    # Around the jobs.
    rules = "".join(file.read_text(encoding="utf-8") for file in (SCRIPTS.parent / "rules").glob("*.smk"))
    used |= set(re.findall(r"^from (nearlabel\.\S+) import", rules, re.MULTILINE))
    # What users call, and profiles.
    called = sources.closure(frozenset({"nearlabel.production.commands.main"}))
    dead = set(sources.module_names()) - used - sources.EXEMPT - called - {"nearlabel.config.command_line"}
    assert dead == set()


EVERYWHERE = {
    f"nearlabel.plan.{name}"
    for name in ("datasets", "grouping", "learning", "networks", "production", "report.contents")
}


@pytest.mark.parametrize(
    ("script", "module"),
    [
        ("run_active_learning", "nearlabel.features.texture"),
        ("train_full_pool", "nearlabel.learning.strategies"),
        ("train_full_pool", "nearlabel.features.encoders"),
        ("plot_learning", "nearlabel.images.reading"),
        ("plot_learning", "nearlabel.learning.data.splitting"),
        ("plot_quality", "nearlabel.grouping.reduction.reduce"),
        ("cluster_images", "nearlabel.grouping.reduction.reduce"),
        ("check_images", "nearlabel.images.synthetic"),
        ("find_knees", "nearlabel.learning.catalogue"),
        ("assign_near_labels", "nearlabel.images.reading"),
    ],
)
def test_a_change_does_not_reach_what_it_is_no_business_of(script, module):
    assert module not in modules(script)


@pytest.mark.parametrize(
    ("script", "needed"),
    [
        (
            "run_active_learning",
            "features.networks features.devices features.weights.files features.preparation images.geometry "
            "images.reading learning.data.decode learning.network.fit learning.strategies.ssim seeds",
        ),
        ("decode_images", "images.geometry images.reading features.placement features.weights.choice"),
        ("encode_frozen_stages", "features.networks learning.network.split features.devices"),
        ("extract_features", "features.texture images.geometry images.reading features.networks"),
    ],
)
def test_a_change_reaches_what_depends_on_it(script, needed):
    assert {f"nearlabel.{name}" for name in needed.split()} <= modules(script)


def test_the_parts_that_are_kept_on_disk_follow_their_code():
    """A change in the reading of images reaches features, decoded images, frozen stages and states of runs."""
    for name in (
        "nearlabel.features.texture",
        "nearlabel.features.network_encoder",
        "nearlabel.learning.data.decode",
        "nearlabel.learning.network.frozen",
        "nearlabel.learning.simulation.run",
    ):
        assert "nearlabel.images.geometry" in sources.closure(frozenset({name})), name
    assert "nearlabel.features.texture" not in sources.closure(frozenset({"nearlabel.features.network_encoder"}))


def test_only_data_files_that_some_module_names_are_there():
    named = {
        (file.parent / match).resolve()
        for file in LIBRARY.rglob("*.py")
        for match in re.findall(r'data_path\(__file__, "([\w./]+)"\)', file.read_text(encoding="utf-8"))
    }
    folders = {file.parent for file in LIBRARY.rglob("*") if file.suffix in (".html", ".css", ".js")}
    assert folders == named
