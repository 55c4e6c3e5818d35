"""From prepared images to rows of features, novelty and maps, against a reference set."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from nearlabel.features.devices import torch_set_up
from nearlabel.features.pooling.kept import KeptReference, Patches
from nearlabel.features.pooling.novelty import Mixture, NoveltyEncoder
from nearlabel.features.pooling.reference import Reference, thin_out
from nearlabel.seeds import derive_seed


class NoveltyRows:
    """Makes the rows of a feature file, once it has learnt the reference set or been given what was kept of one.

    Parameters
    ----------
    encoder : NoveltyEncoder
    pass_size : int
        Tiles per forward pass.
    """

    def __init__(self, encoder: NoveltyEncoder, pass_size: int):
        self._encoder, self._pass_size = encoder, pass_size
        self._reference: KeptReference | None = None
        self.mixture: Mixture | None = None

    def patches(self, keys: Sequence[str], prepared: Sequence[np.ndarray], seed: int) -> list[Patches]:
        """Find the patches of images of the reference set, no more of each than are held.

        Parameters
        ----------
        keys : sequence of str
            SHA-256 of the images' files.
        prepared : sequence of ndarray, each (t, h, w, 3)
            The images, as the encoder's ``prepare`` made them.
        seed : int
            See `Reference`.
        """
        with torch.inference_mode(), torch_set_up(self._encoder.encoder.threads):
            found = self._encoder.patches(prepared, self._pass_size)
            return [thin_out(image, derive_seed(seed, key)) for key, (image, _) in zip(keys, found, strict=True)]

    def learn(self, keys: Sequence[str], patches: Sequence[Patches], seed: int) -> dict[str, np.ndarray]:
        """Learn the reference set; return what `keep` does.

        Parameters
        ----------
        keys : sequence of str
            SHA-256 of its images' files.
        patches : sequence of Patches
            Theirs, in this order, as `patches` finds them.
        seed : int
            See `Reference`.
        """
        with torch.inference_mode(), torch_set_up(self._encoder.encoder.threads):
            reference = Reference(keys, patches, seed)
            self._reference, self.mixture = reference.kept, self._encoder.mix(reference)
        return self.keep()

    def keep(self) -> dict[str, np.ndarray]:
        """Give what was learnt, for `restore`: `KeptReference.to_arrays`, and ``mixture`` float64 (3,), a `Mixture`."""
        return self._reference.to_arrays() | {"mixture": np.array(self.mixture, dtype=np.float64)}

    def restore(self, kept: Mapping[str, np.ndarray]) -> None:
        """Take what `keep` gave instead of learning: images get the same rows, on the same machine to the last bit.

        Raises
        ------
        ValueError
            It is damaged or was learnt with another network.
        """
        mixture = kept.get("mixture", np.empty(0))
        if mixture.dtype.kind != "f" or mixture.shape != (3,) or not np.isfinite(mixture).all():
            raise ValueError("the reference set has no mixture of three numbers")
        device = self._encoder.encoder.device
        self._reference = KeptReference.from_arrays(kept, self._encoder.channels, device)
        self.mixture = Mixture(*map(float, mixture))

    def encode(
        self, prepared: Sequence[np.ndarray], keys: Sequence[str], frames: Sequence[tuple[int, int]]
    ) -> Mapping[str, np.ndarray | list[np.ndarray]]:
        """Encode images.

        Parameters
        ----------
        prepared : sequence of ndarray, each (t, h, w, 3)
        keys : sequence of str
            SHA-256 of their files.
        frames : sequence of (int, int)
            Width and height of the images themselves.

        Returns
        -------
        dict
            ``features`` (n, d) and ``novelty`` (n,), float32; ``novelty_map``, a float16 array for each image.
        """
        features, scores, maps = [], [], []
        with torch.inference_mode(), torch_set_up(self._encoder.encoder.threads):
            images = self._encoder.patches(prepared, self._pass_size)
            for (image, grid), key, frame in zip(images, keys, frames, strict=True):
                row, novelty, score = self._encoder.pool(image, key, self._reference, self.mixture)
                features.append(row)
                scores.append(score)
                maps.append(self._encoder.lay_out(novelty, grid, frame).astype(np.float16))
        return {"features": np.stack(features), "novelty": np.array(scores, np.float32), "novelty_map": maps}
