"""The whole two-phase procedure beside a plain one, written from its formulas with scipy's distribution."""

from fractions import Fraction

import numpy as np
import pytest
from scipy.stats import hypergeom

from nearlabel.learning.stopping.replay import follow
from nearlabel.learning.stopping.rules import build_rule
from nearlabel.seeds import derive_seed

# Of scipy's sums.
ROUNDING = 1 + 1e-12


def plain(order, labels, batch, seed, *, recall, alpha, quiet):
    """Images labelled, defects found and images audited at the stop; None where all are labelled first."""
    seen, clean, stage, audited = np.zeros(len(labels), dtype=bool), 0, 1, 0

    def missed(found):
        return int(found / Fraction(str(recall))) - found + 1

    while not seen.all():
        found, left = int(labels[seen].sum()), int((~seen).sum())
        if found and missed(found) > left:
            return int(seen.sum()), found, audited
        if found and clean >= quiet:
            level = float(Fraction(str(alpha)) / (stage * (stage + 1))) * ROUNDING
            size = int(np.argmax(hypergeom.cdf(0, left, missed(found), np.arange(left + 1)) <= level))
            rng = np.random.default_rng(derive_seed(seed, f"audit/{stage - 1}"))
            drawn = rng.choice(np.flatnonzero(~seen), size, replace=False)
            seen[drawn] = True
            k, stage, clean, audited = int(labels[drawn].sum()), stage + 1, 0, audited + size
            bad = missed(found + k) + k
            if not seen.all() and (bad > left or hypergeom.cdf(k, left, bad, size) <= level):
                return int(seen.sum()), found + k, audited
            continue
        chosen = [image for image in order if not seen[image]][:batch]
        seen[chosen] = True
        clean = 0 if labels[chosen].any() else clean + 1
    return None


@pytest.mark.parametrize(("recall", "alpha", "quiet"), [(0.95, 0.05, 2), (0.8, 0.05, 2), (0.9, 0.2, 1), (0.8, 0.2, 3)])
def test_stops_are_those_of_the_plain_procedure(recall, alpha, quiet):
    stops, audits = 0, 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        labels = (rng.random(rng.integers(20, 250)) < rng.choice([0.05, 0.2, 0.5])).astype(int)
        order = np.argsort(rng.normal(size=labels.size) - labels * rng.choice([0, 1, 4]))
        batch = int(rng.integers(3, 20))
        options = {"recall": recall, "alpha": alpha, "quiet": quiet}
        end = follow(build_rule("certify", options), order, labels, batch, seed)
        ours = end and (end.n_labelled, round(end.recall * labels.sum()), end.audited)
        assert ours == plain(order, labels, batch, seed, **options)
        stops, audits = stops + bool(end), audits + bool(end and end.audited)
    assert stops > 5 and audits > 2
