"""``bundle.json``: what a bundle says of itself."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nearlabel.production.bundle.contents import FACTS

FORMAT = 2
"""Of a bundle's folder."""

ASIDE = ("number", "sha256", "commit", "config_hash")
"""Facts that are no content: two bundles that differ in these alone are one."""


def read_facts(folder: str | Path) -> dict[str, Any]:
    """Read ``bundle.json`` of a bundle's folder.

    Raises
    ------
    FileNotFoundError, ValueError
        There is none; it is damaged, of a later version, or was changed by hand.
    """
    path = Path(folder) / FACTS
    if not path.is_file():
        raise FileNotFoundError(f"{folder} is no bundle: it has no {FACTS}; name a bundle's numbered folder")
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        found, written = facts["format"], facts["sha256"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is damaged ({error!r}); copy the bundle anew or make it again") from None
    if found != FORMAT:
        raise ValueError(f"{path} has format {found}, this version reads {FORMAT}; install the version that made it")
    if hash_facts(facts) != written:
        raise ValueError(f"{path} was changed since the bundle was made; copy the bundle anew or make it again")
    return facts


def hash_facts(facts: Mapping[str, Any]) -> str:
    """SHA-256 of a bundle's content: what its facts say, hashes of its files among them, but for `ASIDE`."""
    text = json.dumps({key: value for key, value in facts.items() if key not in ASIDE}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
