"""How often stopping rules miss their recall, and what they cost: simulated hostile orders, and those of a run.

Run: ``OMP_NUM_THREADS=1 python tests/benchmarks/stopping.py [--runs 2000] [--intervals 500]``, a few minutes; with
``--orders results/{run}/{dataset}/learning`` also on the orders of that run's strategies (``--positive`` as in its
config). Limits: ``certify`` and the interval may be wrong in alpha of the runs, and three binomial standard deviations;
beyond that the exit status is 1. The hypergeometric rule (CHM) beside them is a heuristic and has none.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from hostile_orders import ORDERS, Kinds, Outcome, is_ever_wrong, limit, replay, replay_kinds

from nearlabel import run_files
from nearlabel.files import read_table
from nearlabel.learning.data.folds import fold_roles, read_folds
from nearlabel.learning.stopping.rules import build_rule

RECALLS = (0.95, 0.9, 0.8)
INTERVALS = {
    "random, 100 of 1344": Kinds(1344, ((100, 1.0),)),
    "most likely first": Kinds(1344, ((100, 30.0),)),
    "avoiding": Kinds(1344, ((100, 0.002),)),
}
ROUNDS = 40
# Rules that look at labels alone, whatever the target.
HEURISTICS = ("knee_prefix", "slope_ratio", "budget", "knee_hindsight")


def read_orders(learning: Path, positive: str) -> Iterator[tuple[str, list[tuple[np.ndarray, np.ndarray, int]]]]:
    """Each strategy of a run, with order, labels of the pool and batch size of each of its folds."""
    # The pattern's own folders and names, below the data set's.
    folds = read_folds(learning / Path(run_files.FOLDS).name)
    near_labels = read_table(learning.parent / Path(run_files.NEAR_LABELS).name, ("image_id", "near_label"))
    positives = (near_labels.set_index("image_id")["near_label"] == positive).astype(int)
    name = Path(run_files.QUERIES).name
    for strategy in sorted({file.parent.parent.name for file in learning.glob(f"*/fold*/{name}")}):
        found = []
        for file in sorted(learning.glob(f"{strategy}/fold*/{name}")):
            roles = fold_roles(folds, int(file.parent.name.removeprefix("fold")))
            pool = roles.index[roles == "pool"]
            queries = read_table(file, ("round", "image_id"))
            order = pd.Index(pool).get_indexer(queries["image_id"])
            batch = int(queries["round"].value_counts().max())
            found.append((order, positives.reindex(pool).to_numpy(), batch))
        yield strategy, found


def replay_folds(rule: str, recall: float, alpha: float, folds: list, runs: int) -> Outcome:
    """Many audits of each fold's order; the share is the median over folds' medians."""
    made = build_rule(rule, {"recall": recall, "alpha": alpha})
    ends = [replay(made, recall, [order] * runs, labels, batch) for order, labels, batch in folds]
    share, found = (float(np.median([getattr(end, name) for end in ends])) for name in ("share", "recall"))
    return Outcome(sum(end.runs for end in ends), sum(end.missed for end in ends), share, found)


def row(name: str, recall: float, certified: Outcome, heuristic: Outcome, alpha: float) -> tuple[str, bool]:
    """A line of the table, and whether certify keeps to its limit."""
    most = limit(certified.runs, alpha)
    held = certified.missed <= most
    missed = f"{certified.missed} / {certified.runs}"
    cells = [name, f"{recall}", missed if held else f"**{missed}**", f"{most:.0f}", f"{certified.share:.2f}"]
    cells += [f"{heuristic.missed} / {heuristic.runs}", f"{heuristic.share:.2f}"]
    return f"| {' | '.join(cells)} |", held


def main() -> int:
    """Print the tables; 1 where a guarantee is not kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=2000, help="of each order and recall")
    parser.add_argument("--heuristic-runs", type=int, default=200, help="of heuristics, which have no limit")
    parser.add_argument("--intervals", type=int, default=500, help="runs of each strategy for the interval")
    parser.add_argument("--alpha", type=float, default=0.05)
    parser.add_argument("--orders", type=Path, help="a run's folder results/{run}/{dataset}/learning")
    parser.add_argument("--positive", default="1", help="near-label that counts as defective")
    options = parser.parse_args()
    alpha, held = options.alpha, []
    began = time.perf_counter()
    print(f"alpha {alpha}; share: median of the pool that is labelled at the stop\n")
    print("| order | recall | certify missed | limit | share | CHM (heuristic) missed | share |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name, kinds in ORDERS.items():
        for recall in RECALLS:
            certified, heuristic = (
                replay_kinds(build_rule(rule, {"recall": recall, "alpha": alpha}), recall, kinds, runs)
                for rule, runs in (("certify", options.runs), ("hypergeometric", options.heuristic_runs))
            )
            line, kept = row(name, recall, certified, heuristic, alpha)
            print(line, flush=True)
            held.append(kept)
    for strategy, folds in read_orders(options.orders, options.positive) if options.orders else ():
        for recall in RECALLS:
            certified = replay_folds("certify", recall, alpha, folds, -(-options.runs // len(folds)))
            # Without audits each run of an order is the same.
            heuristic = replay_folds("hypergeometric", recall, alpha, folds, 1)
            line, kept = row(f"{strategy}, {len(folds)} folds", recall, certified, heuristic, alpha)
            print(line, flush=True)
            held.append(kept)
    print(f"\n| strategy, {ROUNDS} rounds, 4 of 32 picked uniformly | interval ever wrong | limit |")
    print("| --- | ---: | ---: |")
    for name, kinds in INTERVALS.items():
        wrong = sum(is_ever_wrong(kinds, run, ROUNDS, alpha) for run in range(options.intervals))
        most = limit(options.intervals, alpha)
        print(f"| {name} | {wrong} / {options.intervals} | {most:.0f} |", flush=True)
        held.append(wrong <= most)
    print("\n| heuristic: median share labelled / recall | " + " | ".join(HEURISTICS) + " |")
    print("| --- |" + " ---: |" * len(HEURISTICS))
    for name, kinds in ORDERS.items():
        ends = [replay_kinds(build_rule(rule), RECALLS[0], kinds, options.heuristic_runs) for rule in HEURISTICS]
        print(f"| {name} | " + " | ".join(f"{end.share:.2f} / {end.recall:.2f}" for end in ends) + " |", flush=True)
    print(f"\n{time.perf_counter() - began:.0f} s")
    return int(not all(held))


if __name__ == "__main__":
    sys.exit(main())
