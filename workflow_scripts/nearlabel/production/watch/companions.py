"""What looks at labels as they come: drift, groups that follow confirmed images, new groups that are proposed."""

import logging
import sqlite3
import time
from collections.abc import Callable, Sequence

import numpy as np

from nearlabel.production.bundle.contents import Bundle
from nearlabel.production.database.reader import read_state
from nearlabel.production.database.recording import Event, Recorded
from nearlabel.production.drift.monitor import ALPHA, DriftMonitor, baselines, state_name, statistics
from nearlabel.production.labelled import Labelled
from nearlabel.production.streaming.confirmed import has_words, note_of
from nearlabel.production.streaming.proposals import KIND, propose
from nearlabel.production.streaming.shadow import ROOT, Shadow

logger = logging.getLogger(__name__)

# Seconds between searches for new groups, at least.
_SEARCH_S = 5.0


class Companions:
    """Looks at a bundle's labels as they come, and goes on where it was when they were last recorded.

    Parameters
    ----------
    bundle : Bundle
    connection : sqlite3.Connection
        To the database; only read.
    alpha : float
        Chance of an alarm of drift without drift.
    clock : callable
        Monotonic seconds.
    parts : bool
        Whether it is known which part an image shows. Only the first view of each counts then, while the bundle's
        held-out images are any views: the stream is held against itself alone.

    Attributes
    ----------
    bundle : Bundle
    """

    def __init__(
        self,
        bundle: Bundle,
        connection: sqlite3.Connection,
        alpha: float = ALPHA,
        clock: Callable[[], float] = time.monotonic,
        *,
        parts: bool = False,
    ):
        self.bundle, self._connection, self._clock = bundle, connection, clock
        self._name = state_name(bundle.sha256)
        self._notes: list[Event] = []
        self._note = note_of(bundle)
        known = baselines(bundle.calibration)
        self._drift = DriftMonitor(dict.fromkeys(known, ()) if parts else known, alpha=alpha)
        if (kept := read_state(connection, self._name)) is not None:
            try:
                self._drift = DriftMonitor.restore(kept)
                self._drift.alpha = alpha
            except ValueError as error:
                logger.warning("%s", error)
                self._notes.append(Event("drift", str(error), {}))
        self._shadow = Shadow(bundle.nodes[ROOT])
        # A kill may have come between novel images and the search.
        self._novel, self._searched = True, -np.inf

    def shadow_nodes(self, labelled: Sequence[Labelled]) -> list[str]:
        """Say which groups images are in by the centres that follow what operators have confirmed until now."""
        if not labelled:
            return []
        self._shadow.refresh(self._connection, self.bundle.sha256)
        return self._shadow.assign(np.stack([one.vector for one in labelled]), [one.node for one in labelled])

    def learn(self, rows: Sequence[Recorded]) -> tuple[list[Event], dict[str, bytes]]:
        """Take in labels that are about to be recorded.

        Parameters
        ----------
        rows : sequence of Recorded
            Those whose ``labelled`` is None were taken in before.

        Returns
        -------
        events : list of Event
            Alarms of drift.
        state : dict of str to bytes
            What to go on from; both are to be recorded with the labels.
        """
        events = []
        fresh = [row for row in rows if row.labelled is not None]
        for row in fresh:
            self._novel |= row.labelled.novel
            if has_words(self._connection, row.prepared.sha256):
                self._shadow.forget()
            alarm = self._drift.add(
                statistics(row.prepared, row.labelled),
                part=row.arrival.part,
                sha256=row.prepared.sha256,
                label_id=row.label_id,
            )
            if alarm is not None:
                events.append(Event("drift", alarm.sentence, alarm.detail, alarm.first_label, alarm.last_label))
        if not fresh:
            return events, {}
        note, self._note = self._note, {}
        return events, note | {self._name: self._drift.state()}

    def search(self, now: bool = False) -> list[Event]:
        """Propose new groups where novel images were recorded since the last search, not too often, or now."""
        notes, self._notes = self._notes, []
        if not self._novel or not (now or self._clock() - self._searched >= _SEARCH_S):
            return notes
        found = propose(self._connection, self.bundle)
        self._novel, self._searched = False, self._clock()
        return notes + [Event(KIND, one.sentence, one.detail, min(one.label_ids), max(one.label_ids)) for one in found]
