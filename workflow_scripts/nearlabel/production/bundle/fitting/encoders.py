"""What a bundle keeps of each encoder, and the weights files that it takes along."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nearlabel.features.catalogue import OWN_ENCODERS
from nearlabel.features.store import Features
from nearlabel.files import hash_file
from nearlabel.production.bundle.fitting.labels import read_network_facts

_FILES = (".pth", ".pt")


def describe_encoder(
    id: str,
    options: Mapping[str, Any],
    store: Features,
    scale: Mapping[str, Any],
    runtime: Mapping[str, Any],
) -> tuple[dict[str, Any], dict[str, Path]]:
    """Describe an encoder for a bundle.

    Parameters
    ----------
    id : str
    options : mapping
        Of `nearlabel.features.extract.extract_features`, and ``seed``.
    store : Features
        The data set's features by this encoder.
    scale : mapping
        `nearlabel.images.scales.learnt_scale` of the data set.
    runtime : mapping
        ``weights_dir, weights_mirror``: where published weights come from.

    Returns
    -------
    dict
        As ``encoders`` of `nearlabel.production.bundle.contents.Bundle` have it: of paths their last parts alone.
    weights : dict of str to Path
        Name in the bundle → the file, where the encoder has one.

    Raises
    ------
    FileNotFoundError, ValueError
        The weights are gone, or others than those that the features were made with.
    """
    options = {key: value for key, value in options.items() if key not in ("id", "reference_seed")}
    seed, known = options.pop("seed"), str(store.attributes["weights_sha256"])
    facts = {
        "id": id,
        "options": options,
        "seed": seed,
        "weights_sha256": known,
        "weights_file": "",
        "own_weights": False,
        "module_sha256": "",
        "library_versions": json.loads(store.attributes["library_versions"]),
        "scale": dict(scale),
    }
    if options.get("module"):
        facts["module_sha256"] = hash_file(options["module"])
        options["module"] = Path(options["module"]).name
    if not known or options["weights"] == "seeded":
        return facts, {}
    own = options["weights"].endswith(_FILES)
    source = find_weights(options["name"], options["weights"], known, f"encoder {id}", runtime)
    facts["weights_file"] = _name_kept(source, known, own)
    facts["own_weights"] = own
    # Without the folder, and the enum without its name.
    options["weights"] = facts["weights_file"] if own else options["weights"].rpartition(".")[2]
    return facts, {facts["weights_file"]: source}


def find_weights(name: str, weights: str, known: str, whose: str, runtime: Mapping[str, Any]) -> Path:
    """Find a weights file and make sure that it is the one that was computed with.

    Parameters
    ----------
    name, weights : str
        Of the network, as the configuration names them.
    known : str
        SHA-256 of the file then, hexadecimal.
    whose : str
        For messages.
    runtime : mapping
        ``weights_dir, weights_mirror``.
    """
    if name in OWN_ENCODERS:
        path = Path(weights)
        if not path.is_file():
            raise FileNotFoundError(f"weights file {path} of {whose} does not exist (any more); put it back")
        found = hash_file(path)
    else:
        from nearlabel.features.weights.choice import choose_weights
        from nearlabel.features.weights.files import find_weights_file

        where = {key: runtime.get(key) for key in ("weights_dir", "weights_mirror")}
        path, found, _ = find_weights_file(choose_weights(name, weights), **where)
    if found != known:
        raise ValueError(
            f"{path} has a SHA-256 that begins with {found[:12]}, but {whose} was computed with {known[:12]}; put the "
            "same weights in its place, or make the features again"
        )
    return path


def _name_kept(source: Path, sha256: str, own: bool) -> str:
    """Name a weights file in a bundle: a user's by its hash too, as two may be called alike, or as published ones."""
    return f"{sha256[:12]}-{source.name}" if own else source.name


def network_weights(network: str | Path, runtime: Mapping[str, Any]) -> tuple[dict[str, Path], str]:
    """Find the weights that the stages of a learnt network have which were never trained.

    Parameters
    ----------
    network : str or Path
        ``model.pt``; see `nearlabel.labelling.final.saved.save_model`.
    runtime : mapping
        As for `describe_encoder`.

    Returns
    -------
    weights : dict of str to Path
        Name in the bundle → the file; empty where the weights are seeded.
    own : str
        That name where it is a file of the user's own; empty for published ones.

    Raises
    ------
    FileNotFoundError, ValueError
        As `find_weights`.
    """
    facts = read_network_facts(network)
    chosen = facts["network"]
    if chosen["weights"] == "seeded":
        return {}, ""
    known, own = facts["weights_sha256"], chosen["weights"].endswith(_FILES)
    source = find_weights(chosen["name"], chosen["weights"], known, "the learnt network", runtime)
    name = _name_kept(source, known, own)
    return {name: source}, name if own else ""
