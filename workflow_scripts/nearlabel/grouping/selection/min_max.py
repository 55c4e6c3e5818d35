"""Min-Max, the paper's way to exclude algorithms within an encoder."""

import pandas as pd


def exclude_dominated(scores: pd.DataFrame) -> dict[str, tuple[str, int, int]]:
    """Min-Max exclusion within one encoder.

    Algorithm A dominates B when A has lower entropy and higher silhouette (both strictly) at more than half of the k
    that B has (all have the same, but for algorithms that find their own number of groups); an undefined silhouette is
    neither higher nor lower. An algorithm is excluded when another, itself not excluded, dominates it, and a cycle
    excludes nobody. Read as a fixed point: whoever is dominated by nobody is safe; whom a safe one dominates is
    excluded; whoever is now dominated by excluded ones only is safe; and so on until nothing changes (the grounded
    extension of the dominance graph). Those then left undecided, members of cycles and what hangs on them alone, stay
    in.

    Parameters
    ----------
    scores : DataFrame
        ``scores.csv`` or ``quality.csv`` of one encoder.

    Returns
    -------
    dict of str to (str, int, int)
        Excluded algorithm → the safe algorithm that dominates it (at the most k, should there be several), at how many
        k, of how many.
    """
    algorithms = list(dict.fromkeys(scores["algorithm"]))
    by_k = {name: scores[scores["algorithm"] == name].set_index("k")[["entropy", "silhouette"]] for name in algorithms}
    dominators: dict[str, dict[str, tuple[int, int]]] = {name: {} for name in algorithms}
    for one in algorithms:
        for other in algorithms:
            pair = by_k[one].join(by_k[other].add_suffix("_other"), how="inner")
            better = (pair["entropy"] < pair["entropy_other"]) & (pair["silhouette"] > pair["silhouette_other"])
            if 2 * better.sum() > len(by_k[other]):
                dominators[other][one] = (int(better.sum()), len(by_k[other]))
    safe: set[str] = set()
    excluded: dict[str, tuple[str, int, int]] = {}
    while True:
        newly_safe = {name for name in algorithms if dominators[name].keys() <= excluded.keys()} - excluded.keys()
        if newly_safe == safe:
            return {name: excluded[name] for name in algorithms if name in excluded}
        safe = newly_safe
        for name in algorithms:
            if by_safe := [other for other in dominators[name] if other in safe]:
                strongest = max(by_safe, key=lambda other: dominators[name][other][0])
                excluded.setdefault(name, (strongest, *dominators[name][strongest]))


def list_exclusions(encoder: str, scores: pd.DataFrame) -> list[dict[str, str]]:
    """List what `exclude_dominated` excludes, as ``selection.json`` holds it: encoder, algorithm, reason."""
    return [
        {
            "encoder": encoder,
            "algorithm": name,
            "reason": f"{other} has lower entropy and higher silhouette at {better} of {of} k",
        }
        for name, (other, better, of) in exclude_dominated(scores).items()
    ]
