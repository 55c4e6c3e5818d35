"""Watch over the images that arrive: whether they are still like those that the bundle knows."""

import base64
import hashlib
import json
import math
import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from nearlabel.production.bundle.contents import Calibration
from nearlabel.production.drift.martingale import DOWN, UP, ShiftMartingale
from nearlabel.production.drift.ranks import Ranks
from nearlabel.production.labelled import Labelled, Prepared
from nearlabel.seeds import derive_seed

VERSION = 2
ALPHA = 0.05
"""Chance, at most, that a stream without change ever gives an alarm."""

# Images whose part and content are remembered, so that a part counts once.
_RECENT = 500
# Hexadecimal digits by which they are told apart.
_DIGEST = 10
_WORDS = {
    ("novelty", UP): "less like the training images",
    ("novelty", DOWN): "more like the training images",
    ("brightness", UP): "brighter",
    ("brightness", DOWN): "darker",
    ("contrast", UP): "richer in contrast",
    ("contrast", DOWN): "poorer in contrast",
}
_ADVICE = {
    ("novelty", UP): "look at the images flagged as novel",
    ("novelty", DOWN): "see whether the same parts come again and again",
    ("brightness", UP): "check light and exposure",
    ("brightness", DOWN): "check light and exposure",
    ("contrast", UP): "check light, focus and lens",
    ("contrast", DOWN): "check light, focus and lens",
}


def state_name(bundle_sha256: str) -> str:
    """What the state of a bundle's monitor is called in the watcher's database."""
    return f"drift:{bundle_sha256}"


class Alarm(NamedTuple):
    """Images have changed.

    Attributes
    ----------
    sentence : str
        For operators.
    first_label, last_label : int
        The images that tell of it, as far as can be said: from label_id to label_id.
    detail : dict
        JSON-able: ``alpha``; ``capital`` (at least 1 / alpha); ``images`` (counted, since the start or the last
        alarm); ``statistics``: by name, for those that alone suffice for an alarm, the weightiest first, ``direction``
        (``up``, ``down``), ``capital``, ``first_label``, ``images``, ``mean`` (in the window), ``before`` (mean of
        what came earlier; None where nothing did).
    """

    sentence: str
    first_label: int
    last_label: int
    detail: dict[str, Any]


def baselines(calibration: Calibration) -> dict[str, np.ndarray]:
    """What a bundle's held-out good images say, by statistic, as `DriftMonitor` takes it."""
    return {name: getattr(calibration, name) for name in ("novelty", "brightness", "contrast")}


def statistics(prepared: Prepared, labelled: Labelled) -> dict[str, float]:
    """What is watched of an image, as `DriftMonitor.add` takes it."""
    return {"novelty": labelled.novelty, "brightness": prepared.brightness, "contrast": prepared.contrast}


class DriftMonitor:
    """A conformal test martingale on a stream of images.

    For each statistic the p-value of the new image's value among those of the held-out good images and of all earlier
    images of the stream (`nearlabel.production.drift.ranks.Ranks`) goes to a martingale of its own
    (`nearlabel.production.drift.martingale.ShiftMartingale`). Their average is a martingale as well, whatever ties
    the statistics to each other. Alarm when it reaches 1 / alpha: while images are exchangeable with the held-out
    ones, the chance of an alarm ever is at most alpha, however long the stream and however often one looks (Ville).

    After an alarm all begins anew, with no earlier values: the next alarm tells of another change, or of the way
    back, at the same chance. What has changed and stays so gives one alarm, not one a minute. A line that makes more
    defects than the bundle's held-out good images (none) may so give one alarm soon after the start, and is held
    against itself from then on.

    Only the first image of a part counts, and of content seen before none, as repeated views are not exchangeable;
    the last 500 images are remembered for this. Slow waves, as of daylight, are changes too, and are reported.

    Ties are broken by numbers that follow from an image's content: a replay gives the same. The state grows with the
    spread of the values, not with their number: some 10 kB after a million images.

    Parameters
    ----------
    baselines : mapping of str to array-like
        By statistic: values of the bundle's held-out good images, finite; see `baselines`. May be empty arrays.
    alpha : float
        In (0, 1).

    Raises
    ------
    ValueError
        No statistic, values that are not finite, or an `alpha` outside (0, 1).
    """

    def __init__(self, baselines: Mapping[str, Any], *, alpha: float = ALPHA):
        if not 0 < alpha < 1:
            raise ValueError(f"alpha of drift is {alpha}; give a chance between 0 and 1")
        if not baselines:
            raise ValueError("drift has no statistic to watch; give the values of at least one")
        self.alpha = alpha
        self.seen, self.alarms = 0, 0
        self._recent: dict[str, None] = {}
        self._watched = {}
        for name, values in baselines.items():
            known = np.asarray(values, np.float64)
            if not np.isfinite(known).all():
                raise ValueError(f"{name} of the held-out images is not finite everywhere; make the bundle again")
            self._watched[name] = _Watched(Ranks(known), ShiftMartingale(), float(known.sum()))

    @property
    def capital(self) -> float:
        """The average martingale's value; the alarm is at 1 / alpha."""
        return sum(one.martingale.capital for one in self._watched.values()) / len(self._watched)

    def add(self, values: Mapping[str, float], *, part: str, sha256: str, label_id: int) -> Alarm | None:
        """Take an image.

        Parameters
        ----------
        values : mapping of str to float
            By statistic, finite.
        part : str
            What it shows; only the first image of a part counts. Empty: nothing is known, each image counts.
        sha256 : str
            Of the content.
        label_id : int
            Its row in the database, for the alarm's window.

        Returns
        -------
        Alarm or None

        Raises
        ------
        ValueError
            A value is missing or not finite.
        """
        for name in self._watched:
            if not math.isfinite(values.get(name, math.nan)):
                raise ValueError(f"{name} of image {sha256} is {values.get(name)}; drift needs a finite number")
        if not self._is_first(part, sha256):
            return None
        self.seen += 1
        for name, one in self._watched.items():
            value = float(values[name])
            random = (derive_seed(0, f"drift/{name}/{sha256}") + 0.5) / 2**32
            one.martingale.bet(one.ranks.add(value, random), value, label_id)
            one.total += value
        if self.capital < 1 / self.alpha:
            return None
        alarm = self._alarm(label_id)
        self.alarms += 1
        self._watched = {name: _Watched(Ranks(), ShiftMartingale(), 0.0) for name in self._watched}
        return alarm

    def describe(self) -> dict[str, Any]:
        """For display: ``alpha, alarms, capital, images`` (counted in all), ``since`` (those after the last alarm)."""
        since = next(iter(self._watched.values())).martingale.seen
        return {
            "alpha": self.alpha,
            "images": self.seen,
            "since": since,
            "alarms": self.alarms,
            "capital": self.capital,
        }

    def state(self) -> bytes:
        """All that `restore` needs, to be kept with the labels that were added: some kB, JSON, compressed."""
        content = {
            "version": VERSION,
            "alpha": self.alpha,
            "seen": self.seen,
            "alarms": self.alarms,
            "recent": "".join(self._recent),
            "watched": {
                name: {
                    "ranks": base64.b64encode(one.ranks.state()).decode(),
                    "martingale": one.martingale.state(),
                    "total": one.total,
                }
                for name, one in self._watched.items()
            },
        }
        # Once a batch, which may be one image: a higher level takes four times as long and saves a tenth.
        return zlib.compress(json.dumps(content).encode(), 1)

    @classmethod
    def restore(cls, state: bytes) -> "DriftMonitor":
        """A monitor that goes on, to the last bit, as the one whose state was kept.

        Raises
        ------
        ValueError
            It is no state of this version.
        """
        try:
            content = json.loads(zlib.decompress(state))
            if content["version"] != VERSION:
                raise ValueError(f"version {content['version']}")
            monitor = cls(dict.fromkeys(content["watched"], ()), alpha=content["alpha"])
            monitor.seen, monitor.alarms = int(content["seen"]), int(content["alarms"])
            recent = content["recent"]
            monitor._recent = dict.fromkeys(recent[start : start + _DIGEST] for start in range(0, len(recent), _DIGEST))
            for name, kept in content["watched"].items():
                ranks = Ranks.restore(base64.b64decode(kept["ranks"]))
                martingale = ShiftMartingale.restore(kept["martingale"])
                monitor._watched[name] = _Watched(ranks, martingale, float(kept["total"]))
        except (zlib.error, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(
                f"What was kept of drift cannot be read ({error}): the watch over it begins anew."
            ) from error
        return monitor

    def _is_first(self, part: str, sha256: str) -> bool:
        keys = [_digest(f"content/{sha256}")] + ([_digest(f"part/{part}")] if part else [])
        known = any(key in self._recent for key in keys)
        for key in keys:
            self._recent.pop(key, None)
            self._recent[key] = None
        while len(self._recent) > 2 * _RECENT:
            del self._recent[next(iter(self._recent))]
        return not known

    def _alarm(self, label_id: int) -> Alarm:
        limit = 1 / self.alpha
        ordered = sorted(self._watched.items(), key=lambda item: -item[1].martingale.capital)
        carried = {name: one.describe() for name, one in ordered if one.martingale.capital >= limit}
        since = ordered[0][1].martingale.seen
        first = next(iter(carried.values()))
        what = " and ".join(_say(name, facts) for name, facts in carried.items())
        sentence = (
            f"The images have become {what}, in the last {first['images']} images of {since}; "
            f"{_ADVICE.get((ordered[0][0], first['direction']), 'look at them')}."
        )
        detail = {"alpha": self.alpha, "capital": self.capital, "images": since, "statistics": carried}
        return Alarm(sentence, first["first_label"], label_id, detail)


class _Watched:
    """A statistic: its ranks, its martingale, the sum of all values that ranks are among."""

    def __init__(self, ranks: Ranks, martingale: ShiftMartingale, total: float):
        self.ranks, self.martingale, self.total = ranks, martingale, total

    def describe(self) -> dict[str, Any]:
        direction = self.martingale.direction
        run = self.martingale.run(direction)
        earlier = self.ranks.total - run.images
        return {
            "direction": direction,
            "capital": self.martingale.capital,
            "first_label": run.first,
            "images": run.images,
            "mean": run.total / run.images,
            "before": (self.total - run.total) / earlier if earlier else None,
        }


def _say(name: str, facts: Mapping[str, Any]) -> str:
    word = _WORDS.get((name, facts["direction"]), f"{'higher' if facts['direction'] == UP else 'lower'} in {name}")
    before = "" if facts["before"] is None else f", before {facts['before']:.3g}"
    return f"{word} (mean {name} {facts['mean']:.3g}{before})"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:_DIGEST]
