"""Features of the data set and of images of the line, by encoder; the line's through the cache of all runs."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nearlabel.features.extract import extract_features
from nearlabel.features.store import Features, read_features, read_reference


class RunFeatures:
    """Features of all images by any encoder of the run.

    Parameters
    ----------
    files : sequence of path
        ``features/{encoder}.h5`` of the data set.
    encoders : mapping of str to mapping
        By id: the options of `nearlabel.features.extract.extract_features`, ``seed`` and ``reference_seed``.
    line : DataFrame
        ``images.csv`` of images of the line, whose rows follow those of the data set.
    cache : path
        Folder of feature caches.
    runtime : mapping of str to mapping
        By id: ``device, weights_dir, weights_mirror``.
    """

    def __init__(
        self,
        files: Sequence[str | Path],
        encoders: Mapping[str, Mapping[str, Any]],
        line: pd.DataFrame,
        cache: str | Path,
        runtime: Mapping[str, Mapping[str, Any]],
    ):
        self.files = {Path(file).stem: file for file in files}
        self.encoders, self.runtime = encoders, runtime
        self._line, self._cache = line, cache
        self._held: dict[str, tuple[Features, np.ndarray]] = {}

    def store(self, encoder: str) -> Features:
        """What the feature file of an encoder holds, without the line."""
        return self._both(encoder)[0]

    def rows(self, encoder: str, image_ids: Sequence[str]) -> np.ndarray:
        """Features of some images of the data set, float32, shape (n, d)."""
        store = self.store(encoder)
        places = pd.Series(np.arange(len(store.image_id)), index=store.image_id)
        return store.features[places.loc[list(image_ids)].to_numpy()]

    def all(self, encoder: str, image_ids: Sequence[str]) -> np.ndarray:
        """Features of images of the data set, then those of the line."""
        return np.concatenate([self.rows(encoder, image_ids), self.line(encoder)])

    def line(self, encoder: str) -> np.ndarray:
        """Features of the images of the line, float32, shape (l, d)."""
        return self._both(encoder)[1]

    def pooling(self, encoder: str) -> dict[str, np.ndarray] | None:
        """What an encoder that pools by novelty holds images against; None for others."""
        by_novelty = self.store(encoder).attributes.get("pooling") == "novelty"
        return read_reference(self.files[encoder]) if by_novelty else None

    def _both(self, encoder: str) -> tuple[Features, np.ndarray]:
        if encoder not in self._held:
            store = read_features(self.files[encoder])
            self._held[encoder] = store, np.empty((0, store.features.shape[1]), np.float32)
            if len(self._line):
                self._held[encoder] = store, self._extract(encoder)
        return self._held[encoder]

    def _extract(self, encoder: str) -> np.ndarray:
        options = dict(self.encoders[encoder])
        seeds = {name: options.pop(name) for name in ("seed", "reference_seed")}
        with tempfile.TemporaryDirectory() as scratch:
            output = Path(scratch, "features.h5")
            extract_features(
                self._line,
                options,
                output=output,
                cache=self._cache,
                reference=self.pooling(encoder),
                **seeds,
                **self.runtime[encoder],
            )
            return read_features(output).features
