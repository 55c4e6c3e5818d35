"""What a person can do next with a data set's groups: sentences, each with lines to copy."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import yaml

from nearlabel.features.catalogue import list_networks
from nearlabel.grouping.scores.limits import LARGEST_SHARE
from nearlabel.report.base.text import shorten

EXPAND_FROM = 20
"""Images from which it pays to cluster a group again."""
PURE = 0.95
"""From this share of one near-label on there is nothing left to split for."""
LABEL_FEW = 300
"""Images up to which a group is small enough to label as a whole."""


class Step(NamedTuple):
    """Something to do: a sentence, and blocks of lines to copy, each with where they belong, as ``configuration``."""

    text: str
    blocks: tuple[tuple[str, str], ...]


def next_steps(view: Mapping[str, Any], config: Mapping[str, Any], command: str) -> list[Step]:
    """List what to do next with the groups of a data set, the most useful first.

    Parameters
    ----------
    view : mapping
        From `nearlabel.report.grouping.views.view_dataset`.
    config : mapping
        The run's whole configuration.
    command : str
        What runs the workflow, ``snakemake --cores all``.
    """
    root = view["nodes"][0]
    grouping = config["grouping"]
    strength = (root["structure"] or {}).get("strength")
    weak = strength in ("none", "weak") or root["clusters"][0]["share"] > LARGEST_SHARE
    # A split that is arbitrary needs no names, and no groups of its own.
    found = strength != "none"
    another = _try_encoder(config["grouping"]["levels"][0], weak)
    steps = [
        another if weak else None,
        _name_groups(view, grouping) if found else None,
        _expand(view, grouping) if found else None,
        *_label(view, config, command),
        None if weak else another,
        _classify(view, grouping),
    ]
    return [step for step in steps if step]


def _yaml(value: Any) -> str:
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, default_flow_style=None, width=100)


def _try_encoder(level: Mapping[str, Any], weak: bool) -> Step | None:
    """An entry that looks where small defects do not vanish; then a larger network."""
    entries = [{"name": entry} if isinstance(entry, str) else dict(entry) for entry in level["encoders"] or []]
    names = [entry["name"] for entry in entries]
    short = [entry["name"] if set(entry) == {"name"} else entry for entry in entries]
    networks = [name for name in names if name in list_networks()]
    if networks and not any(entry.get("pooling") == "novelty" for entry in entries):
        added: Any = {"id": f"{networks[0]}_novelty", "name": networks[0], "pooling": "novelty"}
        why = "by what an image has that the others have not: small defects vanish in an average over the whole image"
    elif "resnet50" not in names:
        added, why = "resnet50", "by a larger network, which downloads its weights once"
    else:
        return None
    text = f"{'The groups are not clear. ' if weak else ''}Group again {why}. What is computed already stays."
    return Step(text, (("configuration, first entry of grouping.levels", _yaml({"encoders": [*short, added]})),))


def _name_groups(view: Mapping[str, Any], grouping: Mapping[str, Any]) -> Step | None:
    root = view["nodes"][0]
    nameless = [c["number"] for c in root["clusters"] if not c["name"]]
    if not nameless:
        return None
    rows = "".join(f"root.{number},\n" for number in nameless[:6])
    file = grouping["names"].get(view["name"])
    if file:
        return Step("Name the groups that have no name yet.", ((f"rows of {shorten(file, 60)}", rows),))
    return Step(
        "Give the groups names: write them behind the commas. The explorer writes the same file.",
        (
            ("names.csv", "node,name\n" + rows),
            ("configuration, under grouping", _yaml({"names": {view["name"]: "names.csv"}})),
        ),
    )


def _expand(view: Mapping[str, Any], grouping: Mapping[str, Any]) -> Step | None:
    """The largest group that is not clustered again and is not of one near-label already."""
    if grouping["expand"] == "auto":
        return None
    split = {node["name"] for node in view["nodes"]}
    open_groups = [
        (c["size"], f"{node['name']}.{c['number']}")
        for node in view["nodes"]
        for c in node["clusters"]
        if f"{node['name']}.{c['number']}" not in split
        and c["size"] >= EXPAND_FROM
        and not (view["labelled"] and c["shares"][0]["share"] >= PURE)
    ]
    if not open_groups:
        return None
    size, group = max(open_groups, key=lambda entry: (entry[0], entry[1]))
    mixed = "is still mixed" if view["labelled"] else "is the largest that was not looked into"
    return Step(
        f"Group {group} ({size} images) {mixed}: cluster it again. Only its own clusterings are computed.",
        (("configuration, under grouping", _yaml({"expand": [*grouping["expand"], group]})),),
    )


def _label(view: Mapping[str, Any], config: Mapping[str, Any], command: str) -> Sequence[Step]:
    labelling = config["labelling"]
    if labelling and labelling["dataset"] == view["name"]:
        text = "Label the next images: this makes the page to label on."
        return [Step(text, (("terminal", _with_target(command, "next_batch")),))]
    section = {"labels": ["good", "defect"], "good": "good", **_network(config)}
    steps = [
        Step(
            "Label images: nearlabel asks for those that are worth it, and says when to stop.",
            (
                ("configuration", _yaml({"labelling": {"dataset": view["name"], **section}})),
                ("terminal", _with_target(command, "next_batch")),
            ),
        )
    ]
    group = _group_to_label(view)
    if group:
        number, size = group
        folder = f"results/{config['run']}/{view['name']}/grouping/groups/root.{number}"
        text = {
            "run": f"{config['run']}_group{number}",
            **_features(config),
            "datasets": {f"group{number}": {"kind": "image_folder", "root": folder}},
            "labelling": {"dataset": f"group{number}", **section, "folder": f"labels_group{number}"},
        }
        steps.append(
            Step(
                f"Label group {number} only ({size} images), as a run of its own. Or open the explorer, select the "
                "group and label it at once.",
                (
                    (f"group{number}.yaml", _yaml(text)),
                    ("terminal", f"snakemake --cores all next_batch --configfile group{number}.yaml"),
                ),
            )
        )
    return steps


def _network(config: Mapping[str, Any]) -> dict[str, Any]:
    """The network that the run has already, in its size; nothing where it has none."""
    if config["learning"]:
        return {"encoder": config["learning"]["encoder"]}
    entries = config["grouping"]["levels"][0]["encoders"] or []
    entries = [{"name": entry} if isinstance(entry, str) else entry for entry in entries]
    network = next((entry for entry in entries if entry["name"] in list_networks()), None)
    if network is None:
        return {}
    size = network.get("image_size", config["features"]["image_size"])
    return {"encoder": {"name": network["name"], "image_size": size} if size else network["name"]}


def _features(config: Mapping[str, Any]) -> dict[str, Any]:
    """Where this run has its weights from, for the configuration of another one."""
    own = {key: config["features"][key] for key in ("weights", "weights_dir") if config["features"][key]}
    return {"features": own} if own != {"weights": "imagenet"} else {}


def _group_to_label(view: Mapping[str, Any]) -> tuple[int, int] | None:
    """The group that says most if it is labelled: small, and of the rarest near-label; without any the smallest."""
    clusters = [c for c in view["nodes"][0]["clusters"] if 2 <= c["size"] <= LABEL_FEW]
    if not clusters:
        return None
    rare = view["shares"][-1]["label"] if view["labelled"] else ""
    of_rare = {c["number"]: sum(s["share"] for s in c["shares"] if s["label"] == rare) for c in clusters}
    best = max(clusters, key=lambda c: (of_rare[c["number"]], -c["size"], -c["number"]))
    return best["number"], best["size"]


def _classify(view: Mapping[str, Any], grouping: Mapping[str, Any]) -> Step | None:
    if view["classifications"]:
        return None
    target = "near_labels" if len(view["shares"]) > 1 and view["labelled"] else "clusters"
    return Step(
        "Train a model that says the " + ("near-label" if target == "near_labels" else "group") + " of new images.",
        (("configuration, under grouping", _yaml({"classify": [{"node": "root", "target": target}]})),),
    )


def _with_target(command: str, target: str) -> str:
    """Put a target before the config files, which would swallow it."""
    head, files, tail = command.partition(" --configfile")
    return f"{head} {target}{files}{tail}"
