"""Where a new value stands among all earlier ones, in memory that does not grow with their number."""

import zlib

import numpy as np

# Bits of a float32's mantissa that are let go of: ten stay, so values are told apart down to 0.1 % of themselves, an
# eighth of a grey value in the middle of the scale.
_DROPPED = 13


class Ranks:
    """Smoothed p-values of values among all earlier ones.

    Held against a calibration set that stays the same, p-values are not independent: a long stream then shows the
    set's own sampling error, and every alarm comes some day. Here each value joins those that later ones are held
    against. While values are exchangeable, such p-values are independent and uniform on (0, 1), exactly (Vovk,
    Gammerman, Shafer: Algorithmic Learning in a Random World, 2nd ed. 2022, chapters 2 and 8).

    Values are rounded down to ten bits behind the leading one and counted: a fixed rounding takes nothing from the
    theorem, values that become equal are ties as others. A million values take some thousand counts.

    Parameters
    ----------
    baseline : array-like, shape (m,)
        Earlier values, finite; may be empty.

    Attributes
    ----------
    total : int
        Earlier values.
    """

    def __init__(self, baseline=()):
        self._keys, self._counts = np.unique(_rounded(np.asarray(baseline, np.float64)), return_counts=True)
        self.total = int(self._counts.sum())

    def add(self, value: float, random: float) -> float:
        """The value's p-value, small for a large one; afterwards the value is among the earlier ones.

        Parameters
        ----------
        value : float
            Finite.
        random : float
            In (0, 1), uniform: breaks ties.

        Returns
        -------
        float
            (#larger + random · (#equal + 1)) / (#earlier + 1), in (0, 1).
        """
        key = _rounded(np.float64(value))
        place = int(self._keys.searchsorted(key))
        found = place < len(self._keys) and self._keys[place] == key
        equal = int(self._counts[place]) if found else 0
        larger = int(self._counts[place + found :].sum())
        p_value = (larger + random * (equal + 1)) / (self.total + 1)
        if found:
            self._counts[place] += 1
        else:
            self._keys = np.insert(self._keys, place, key)
            self._counts = np.insert(self._counts, place, 1)
        self.total += 1
        return p_value

    def state(self) -> bytes:
        """All that `restore` needs, compressed: some kB after a million values."""
        steps = np.diff(self._keys, prepend=0)
        return zlib.compress(np.concatenate([steps, self._counts]).astype("<i8").tobytes(), 1)

    @classmethod
    def restore(cls, state: bytes) -> "Ranks":
        """Ranks as they were when `state` was asked."""
        numbers = np.frombuffer(zlib.decompress(state), "<i8").astype(np.int64)
        ranks = cls()
        half = len(numbers) // 2
        ranks._keys, ranks._counts = numbers[:half].cumsum(), numbers[half:].copy()
        ranks.total = int(ranks._counts.sum())
        return ranks


def _rounded(values: np.ndarray) -> np.ndarray:
    """Whole numbers in the order of the values, equal where the values' leading bits are."""
    bits = np.asarray(values, np.float32).view(np.int32).astype(np.int64)
    # A float's bits ascend with its size; those of negative ones are turned round. −0 is 0.
    bits = np.where(bits < 0, -(bits & 0x7FFFFFFF), bits)
    return bits >> _DROPPED
