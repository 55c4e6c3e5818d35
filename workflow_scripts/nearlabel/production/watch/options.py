"""How to watch an inbox."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class WatchOptions:
    """How to watch.

    Attributes
    ----------
    settle_s, give_up_s : float
        As for `nearlabel.production.watch.settling.Settling`.
    poll_s : float
        Seconds between looks at the inbox, at least.
    batch : int
        Images that are labelled together, at most.
    workers : int
        Images that are decoded at a time, while others are labelled.
    archive, quarantine : Path or None
        Where files are moved to when they are recorded, or given up; None: they stay.
    once : bool
        Whether to end when all that is there is labelled.
    report_every_s : float
        Seconds between lines on speed; 0: none.
    drift_alarms : float
        Chance of an alarm of drift, ever, while nothing has changed.
    """

    settle_s: float = 2.0
    give_up_s: float = 300.0
    poll_s: float = 0.5
    batch: int = 32
    workers: int = 1
    archive: Path | None = None
    quarantine: Path | None = None
    once: bool = False
    report_every_s: float = 60.0
    drift_alarms: float = 0.05
