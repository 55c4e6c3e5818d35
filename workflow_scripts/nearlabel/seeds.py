"""Seeds: every random number in nearlabel descends from the run's seed and a purpose."""

import hashlib


def derive_seed(seed: int, purpose: str) -> int:
    """Derive an independent seed for one purpose from the seed of the run.

    Parameters
    ----------
    seed : int
        The run's seed (config key ``seed``).
    purpose : str
        What the random numbers are for, for example ``"cluster/tiles/root/resnet18/kmeans"``.

    Returns
    -------
    int
        In ``[0, 2**32)``, as NumPy's legacy generators and scikit-learn's ``random_state`` ask.
    """
    digest = hashlib.sha256(f"{seed}:{purpose}".encode()).digest()
    return int.from_bytes(digest[:4], "big")
