"""Configurations as they are written: what YAML would change is refused with its line, and so is what is no YAML."""

import copy
import json

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from nearlabel.config import ConfigError, ConfigText, hash_config
from nearlabel.config.command_line import check_command_line, named_files
from nearlabel.plan import plan_run

BASE = {
    "run": "demo",
    "datasets": {"parts": {"kind": "image_folder", "root": "data", "near_labels": {"a": "good", "b": "bad"}}},
    "grouping": {"datasets": ["parts"], "levels": [{"encoders": ["texture"], "ks": [2, 3]}]},
}


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def merge(into, other):
    """As Snakemake merges config files."""
    for key, value in other.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            into[key] = value
    return into


def read(folder, *texts, arguments=()):
    """Plan of config files of these texts, after a whole one."""
    files, raw = [], {}
    for number, text in enumerate([yaml.safe_dump(BASE), *texts]):
        files.append(folder / f"{number}.yaml")
        files[-1].write_text(text, encoding="utf-8")
        raw = merge(raw, yaml.safe_load(text))
    return plan_run(raw, ConfigText(files, arguments))


def near_labels(text):
    return f"datasets:\n  parts:\n    near_labels:\n      {text}\n"


TEXTS = [
    "010",
    "011",
    "0x10",
    "1_000",
    "+5",
    "1.10",
    ".5",
    "1.0e-3",
    "12:30",
    "yes",
    "no",
    "on",
    "Off",
    "True",
    "2024-01-02",
]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("pattern", ["{}: x", "x: {}"])
def test_labels_that_yaml_changes_are_refused_with_their_line(tmp_path, text, pattern):
    with pytest.raises(ConfigError) as refusal:
        read(tmp_path, near_labels(pattern.format(text)))
    assert f"write '{text}' in quotes" in str(refusal.value) and "1.yaml, line 4" in str(refusal.value)
    assert "datasets.parts.near_labels." in str(refusal.value) and "\n" not in str(refusal.value)
    for quote in "'\"":
        read(tmp_path, near_labels(pattern.format(f"{quote}{text}{quote}")))


@pytest.mark.parametrize("text", ["0", "5", "1.5", "-3", "abc", "1e3", "0o7"])
def test_labels_that_yaml_leaves_alone_need_no_quotes(tmp_path, text):
    labels = read(tmp_path, near_labels(f"{text}: {text}")).config.datasets["parts"].near_labels
    assert labels[text] == text


def test_nothing_is_no_label_but_no_class(tmp_path):
    assert read(tmp_path, near_labels("c: null")).config.datasets["parts"].near_labels["c"] is None
    with pytest.raises(ConfigError, match="the key ~ is nothing to YAML"):
        read(tmp_path, near_labels("~: x"))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("run: 007", "run: 007 is 7 to YAML; write '007' in quotes (1.yaml, line 1)"),
        ("run: 1.10", "run: 1.10 is 1.1 to YAML; write '1.10'"),
        ("run: 2024-01-01", "run: 2024-01-01 is a date to YAML"),
        ("run:", "run is empty; write a text (1.yaml, line 1)"),
        ("learning: {datasets: [parts], positive: 01}", "learning.positive: 01 is 1 to YAML"),
        ("learning: {datasets: [parts], positive: yes}", "learning.positive: yes is true to YAML"),
        (
            "learning:\n  datasets: [parts]\n  positive: bad\n  strategies:\n    - {id: 010, name: random}",
            "strategies.0.id: 010 is 8 to YAML; write '010' in quotes (1.yaml, line 5)",
        ),
        (
            "grouping:\n  levels:\n    - {encoders: [{id: 1_0, name: texture}]}",
            "levels.0.encoders.0.id: 1_0 is 10 to YAML",
        ),
        ("grouping: {datasets: [on]}", "grouping.datasets.0: on is true to YAML"),
        ("datasets: {no: {kind: image_folder, root: x}}", "datasets.no: the key no is false to YAML"),
        ("datasets: {parts: {root: 010}}", "datasets.parts.root: 010 is 8 to YAML"),
        ("seed: yes", "seed: must be a number, not yes (1.yaml, line 1)"),
        ("a: 1\nb: &x {c: 1}\nb: 2", "line 3: the key b is there a second time, after line 2; keep one"),
        ("datasets: {parts: {near_labels: {1: a, '1': b}}}", "the key datasets.parts.near_labels.1 is there a second"),
        ("datasets: {parts: {near_labels: {1: a, 01: b}}}", "the key datasets.parts.near_labels.01 is there a second"),
        ("grouping: {levels: [{encoders: [texture], ks: 2-20}]}", "ks: must be [first, last], not 2-20; write [2, 20]"),
        ("grouping: {levels: [{encoders: [texture], ks: [2]}]}", "ks: must be [first, last], not [2]"),
        ("grouping: {levels: [{encoders: [texture], ks: 2:20}]}", "YAML reads 2:20 as 140"),
        ("grouping:\n  levels: [{encoders: [resnet-50]}]", "encoders.0: 'resnet-50' is no encoder: not "),
        ("grouping:\n  levels: [{encoders: [ResNet 50]}]", "levels.0.encoders.0.id: 'ResNet 50' is not a name of"),
        (
            "datasets: {parts: {kind: csv, label_colum: x}}",
            "label_colum is not a known key; did you mean label_column?",
        ),
        (
            "features: {batchsize: 3}",
            "features.batchsize is not a known key; did you mean batch_size? (1.yaml, line 1)",
        ),
        ("features: {geometry: sqush}", "not 'sqush'; did you mean squash?"),
        ("datasets: {parts: {kind: image_foldr}}", "'image_foldr' is unknown; choose one of csv, image_folder"),
        ("datasets: {more: {root: x}}", "datasets.more.kind is missing; choose one of csv"),
        ("datasets: {parts: {near_labels: [1]}}", "near_labels: must be a mapping of keys or text, not [1]"),
        ("features: 3", "features: must be a mapping of keys, not 3"),
    ],
)
def test_what_is_wrong_is_said_with_key_and_line(tmp_path, text, sentence):
    with pytest.raises(ConfigError) as refusal:
        read(tmp_path, text)
    assert sentence in str(refusal.value) and ".yaml, line" in str(refusal.value)


def test_all_errors_are_said_at_once(tmp_path):
    with pytest.raises(ConfigError) as refusal:
        read(tmp_path, "sed: 1\nfeatures: {devise: cpu, batch_size: 0}\ngrouping: {ks_per_job: 0}")
    assert str(refusal.value).startswith("config: 4 errors:\n")
    with pytest.raises(ConfigError) as refusal:
        read(tmp_path, "sed: 1\ngrouping: {levels: [{encoders: [vgg17]}]}\nlearning: {strategies: [randon]}")
    for words in ("sed is not a known key", "learning.datasets is missing", "'vgg17' is no encoder", "randon"):
        assert words in str(refusal.value)
    entries = [{"name": "resnet18", "geometri": 1, "batch_size": 0}, "vgg17"]
    strategies = "\nlearning: {datasets: [parts], positive: bad, encoder: alex, strategies: [randon]}"
    with pytest.raises(ConfigError) as refusal:
        read(
            tmp_path, json.dumps({"grouping": {"levels": [{"encoders": entries, "algorithms": ["kmean"]}]}}), strategies
        )
    assert len(refusal.value.problems) == 6
    for word in ("did you mean geometry?", "'vgg17' is no encoder", "did you mean kmeans?", "'alex' is no", "randon"):
        assert word in str(refusal.value)


def test_a_later_file_takes_the_place_of_what_an_earlier_one_says(tmp_path):
    plan = read(tmp_path, "run: 007\ngrouping: {datasets: [on]}", "run: '008'\ngrouping: {datasets: [parts]}")
    assert plan.config.run == "008"
    with pytest.raises(ConfigError, match=r"\(1\.yaml, line 4\)"):
        read(tmp_path, near_labels("010: x"), near_labels("'011': y"))


@pytest.mark.parametrize(
    ("argument", "value", "sentence"),
    [
        ("run=007", 7, "run: 007 is read as 7; write --config \"run='007'\""),
        ("run=1e3", 1000.0, "run: 1e3 is read as 1000.0"),
        ("run=True", True, "run: True is read as true"),
        ("run=5", 5, None),
        ("run='007'", "007", None),
        ("seed=010", 10, None),
        ("datasets={parts: {near_labels: {010: x}}}", {"parts": {"near_labels": {"010": "x"}}}, None),
    ],
)
def test_values_of_the_command_line(tmp_path, argument, value, sentence):
    (tmp_path / "a.yaml").write_text(yaml.safe_dump(BASE), encoding="utf-8")
    raw = merge(copy.deepcopy(BASE), {argument.partition("=")[0]: value})
    text = ConfigText([tmp_path / "a.yaml"], [argument])
    if sentence is None:
        plan_run(raw, text)
    else:
        with pytest.raises(ConfigError) as refusal:
            plan_run(raw, text)
        assert sentence in str(refusal.value)


def test_anchors_and_merged_keys_are_fine(tmp_path):
    plan = read(tmp_path, "datasets:\n  x: &x {kind: image_folder, root: d}\n  y: {<<: *x, root: e}\n  z: {<<: *x}")
    assert [plan.config.datasets[name].root for name in "xyz"] == ["d", "e", "d"]


def test_the_text_changes_no_hash(tmp_path):
    raw = merge(copy.deepcopy(BASE), {"datasets": {"parts": {"near_labels": {0: 1, 1.5: "bad"}}}})
    (tmp_path / "a.yaml").write_text(yaml.safe_dump(raw), encoding="utf-8")
    with_text = plan_run(raw, ConfigText([tmp_path / "a.yaml"])).config
    assert hash_config(with_text) == hash_config(plan_run(raw).config)


NO_YAML = {
    "a tab": ("run: x\n\tseed: 1\n", "line 2: a tab, which YAML does not allow there; indent with spaces"),
    "an open quote": ('run: "x\nseed: 1\n', "begun in line 1"),
    "an open bracket": ("run: [x\nseed: 1\n", "line 2"),
    "a colon": ("run: a: b\n", "line 1, column 7: not YAML: mapping values are not allowed here"),
    "indentation": ("run: x\n seed: 1\n", "line 2"),
    "two documents": ("run: x\n---\nrun: y\n", "line 2"),
    "an alias of nothing": ("run: *x\n", "line 1"),
    "a sign": ("run: @x\n", "line 1"),
    "a tag": ("run: !!python/object:os.x {}\n", "line 1"),
    "a list for a key": ("[a, b]: 1\n", "line 1"),
    "no such day": ("run: 2024-13-45\n", "line 1: 2024-13-45 cannot be read"),
    "a control character": ("run: \x01\n", "line 1: a character that YAML does not allow"),
    "nothing": ("", "a config file has keys at its top"),
    "a list": ("- run\n", "a config file has keys at its top"),
    "text": ("run\n", "a config file has keys at its top"),
    "JSON that ends": ('{"run": "x",\n', "line 2"),
}


@pytest.mark.parametrize("case", NO_YAML)
def test_what_is_no_yaml_is_one_sentence_with_its_line(tmp_path, case):
    text, words = NO_YAML[case]
    (tmp_path / "my.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(SystemExit) as stop:
        check_command_line(["-n", "--configfile", "my.yaml", "--cores", "2"])
    assert stop.value.code.startswith("config: my.yaml") and words in stop.value.code and "\n" not in stop.value.code


MARKS = [
    "run",
    "a",
    ": ",
    ":",
    "\n",
    "  ",
    "\t",
    "- ",
    "[",
    "]",
    "{",
    "}",
    ", ",
    "'",
    '"',
    "&x ",
    "*x",
    "<<: ",
    "? ",
    "| ",
]
MARKS += ["010", "no", "~", "!t ", "1.10", "12:30", "2024-13-45", "#", "---\n", "%", "@", "\x01", "é"]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(MARKS), max_size=20).map("".join))
@example("a: &x [*x]")
@example("a: &x {b: *x}")
@example("a: {<<: 1}")
def test_any_text_is_a_config_file_or_a_sentence(tmp_path, text):
    (tmp_path / "any.yaml").write_text(text, encoding="utf-8")
    try:
        ConfigText([tmp_path / "any.yaml"])
    except ConfigError as error:
        assert "any.yaml" in str(error) and "\n" not in str(error)


def test_config_files_that_are_none(tmp_path):
    (tmp_path / "good.yaml").write_text("run: x", encoding="utf-8")
    (tmp_path / "tabs.json").write_text('{\n\t"run": "x"\n}', encoding="utf-8")
    (tmp_path / "old.yaml").write_bytes(b"seed: 1\nrun: gr\xfcn\n")
    check_command_line(["--configfile", "good.yaml", "tabs.json", "-n"])
    for files, words in (
        (["none.yaml"], "none.yaml: there is no such config file"),
        (["old.yaml"], "old.yaml, line 2: not UTF-8, as a config file must be"),
        (["."], ". is no config file: "),
        (
            ["good.yaml", "learning"],
            "write targets before it, as in snakemake --cores 2 learning --configfile good.yaml",
        ),
    ):
        with pytest.raises(SystemExit) as stop:
            check_command_line(["--cores", "2", "--configfile", *files])
        assert words in stop.value.code


@pytest.mark.parametrize(
    ("arguments", "files"),
    [
        ("all --cores 2", []),
        ("--configfile a.yaml b.yaml --cores 2 all", ["a.yaml", "b.yaml"]),
        ("all --configfile=a.yaml -n", ["a.yaml"]),
        ("--configfiles a.yaml --configfile b.yaml", ["b.yaml"]),
    ],
)
def test_config_files_are_found_among_arguments(arguments, files):
    assert named_files(arguments.split()) == files
