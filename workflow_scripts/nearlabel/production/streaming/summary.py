"""How a line compares with what its bundle has learnt, in words: groups, drift, the shadow, proposals."""

import sqlite3
from collections.abc import Iterator

from nearlabel.production.bundle.contents import Bundle
from nearlabel.production.database.reader import read_state
from nearlabel.production.drift.monitor import DriftMonitor, state_name
from nearlabel.production.drift.shares import compare_shares, count_groups
from nearlabel.production.streaming.proposals import read_proposals
from nearlabel.production.streaming.shadow import ROOT, Shadow, count_disagreement

LATEST = 1000
"""Labels that are counted."""


def describe_line(bundle: Bundle, connection: sqlite3.Connection) -> str:
    """Say how the latest images that a bundle has labelled compare with its training images; for display only.

    Parameters
    ----------
    bundle : Bundle
    connection : sqlite3.Connection
        Of the watcher's database.
    """
    return "\n".join(_lines(bundle, connection))


def _lines(bundle: Bundle, connection: sqlite3.Connection) -> Iterator[str]:
    shares = compare_shares(bundle, count_groups(connection, bundle.sha256, LATEST))
    if not shares.images:
        yield f"bundle {bundle.number} has labelled no image in this database"
        return
    yield f"the latest {shares.images} images of bundle {bundle.number}: {shares.novel} novel; of the others"
    yield f"{'group':10} {'images':>7} {'share':>7} {'training':>9} {'deviations':>11}  name"
    for one in shares.groups:
        yield (
            f"{one.node:10} {one.images:7} {one.share:7.1%} {one.expected:9.1%} {one.residual:+11.1f}  {one.name}"
        ).rstrip()
    yield f"such unlike shares by chance: p = {shares.p_value:.2g} (for looking at; no alarm)"
    kept = read_state(connection, state_name(bundle.sha256))
    if kept is not None:
        drift = DriftMonitor.restore(kept).describe()
        yield (
            f"drift: {drift['images']} parts, {drift['alarms']} alarms; evidence since then {drift['capital']:.2g}, "
            f"alarm at {1 / drift['alpha']:.3g}"
        )
    shadow = Shadow(bundle.nodes[ROOT])
    shadow.refresh(connection, bundle.sha256)
    apart = count_disagreement(connection, bundle.sha256, LATEST)
    yield (
        f"groups moved by {shadow.confirmed} confirmed images: {apart.differ} of {apart.images} images were in another "
        "group by them"
    )
    for detail in read_proposals(connection):
        if detail["bundle_sha256"] == bundle.sha256:
            yield f"proposed: {detail['node']}, {len(detail['label_ids'])} images, tightness {detail['tightness']:.2f}"
