"""How far a run has come and how long it may still take, from how long jobs of each rule have taken."""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path


class JobTimes:
    """Seconds that jobs have taken, by rule.

    Parameters
    ----------
    seconds : mapping of str to float
        What is known of earlier runs: rule → mean.
    """

    def __init__(self, seconds: Mapping[str, float]):
        self._earlier = dict(seconds)
        self._taken: dict[str, list[float]] = {}

    def add(self, rule: str, seconds: float) -> None:
        """Record a job that has ended; a rule's jobs of this run count instead of those of earlier ones."""
        self._taken.setdefault(rule, []).append(max(0.0, seconds))

    def left(self, rules: Iterable[str], side_by_side: float) -> tuple[float, bool]:
        """Estimate how long jobs will take.

        Parameters
        ----------
        rules : iterable of str
            The rule of each job that has not ended.
        side_by_side : float
            How many run at a time.

        Returns
        -------
        tuple of float and bool
            Seconds, and whether jobs of all these rules are known; those that are not count nothing.
        """
        means = self._earlier | {rule: sum(taken) / len(taken) for rule, taken in self._taken.items()}
        rules = list(rules)
        seconds = sum(means.get(rule, 0.0) for rule in rules)
        return seconds / max(1.0, side_by_side), all(rule in means for rule in rules)


def describe_progress(done: int, total: int, left: float, all_known: bool, grows: bool) -> str:
    """One line for a terminal, which says nothing that is not so.

    Parameters
    ----------
    done, total : int
        Jobs that have ended, and those known so far.
    left : float
        Seconds that jobs will take, from `JobTimes.left`.
    all_known : bool
        Whether all of them are counted in that.
    grows : bool
        Whether jobs may be added, as a tree of groups grows.

    Returns
    -------
    str
    """
    line = f"{done} of {total} jobs done"
    if done < total and left >= 1:
        line += f", {'about' if all_known and not grows else 'at least'} {_spell(left)} left"
    return line + ("; more are added as the tree of groups grows" if grows else "")


def read_job_times(folder: str | Path) -> dict[str, float]:
    """Read the mean seconds of each rule's jobs from the benchmarks of a run; what cannot be read counts nothing."""
    times: dict[str, list[float]] = {}
    for file in Path(folder).rglob("*.tsv"):
        try:
            with file.open(encoding="utf-8", newline="") as opened:
                seconds = [float(row["s"]) for row in csv.DictReader(opened, delimiter="\t")]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        rule = file.relative_to(folder).with_suffix("").parts[0]
        times.setdefault(rule, []).extend(seconds)
    return {rule: sum(all) / len(all) for rule, all in times.items() if all}


def _spell(seconds: float) -> str:
    if seconds < 90:
        return f"{max(5, round(seconds / 5) * 5)} seconds"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} minutes"
    return f"{seconds / 3600:.1f} hours"
