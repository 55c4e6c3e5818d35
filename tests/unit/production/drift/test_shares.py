import math

import numpy as np
import pytest
from scipy.stats import chi2_contingency

from helpers.streams import Stream, vector_bundle
from nearlabel.production.drift.shares import compare_shares, count_groups


def test_shares_of_the_latest_labels(tmp_path):
    bundle = vector_bundle([[0.0], [5.0], [9.0]], [60, 30, 10], names={"root.1": "Scratched"})
    stream = Stream(tmp_path, bundle)
    stream.add([[9.0]] * 7, "root.2")
    stream.add([[0.0]] * 10, "root.0.1")
    stream.add([[5.0]] * 20, "root.1")
    stream.add([[7.0]] * 3)
    counts = count_groups(stream.connection, bundle.sha256, 33)
    stream.connection.close()
    assert counts == {"root.0": 10, "root.1": 20, "": 3}
    shares = compare_shares(bundle, counts)
    assert (shares.images, shares.novel) == (33, 3)
    first, second, third = shares.groups
    assert (second.name, second.images, second.expected) == ("Scratched", 20, 0.3)
    assert (first.share, second.share, third.share) == (10 / 30, 20 / 30, 0.0)
    table = np.array([[10, 20, 0], [60, 30, 10]])
    assert shares.p_value == pytest.approx(chi2_contingency(table, correction=False).pvalue)
    # Two groups: the adjusted residual squared is χ² of the 2 × 2 table.
    two = compare_shares(vector_bundle([[0.0], [5.0]], [60, 40]), {"root.0": 30, "root.1": 50})
    chi2 = chi2_contingency([[30, 50], [60, 40]], correction=False).statistic
    assert two.groups[0].residual ** 2 == pytest.approx(chi2)
    assert two.groups[0].residual < 0 < two.groups[1].residual


def test_without_labels_there_are_no_shares():
    shares = compare_shares(vector_bundle([[0.0], [5.0]], [60, 40]), {"": 4})
    assert (shares.images, shares.novel) == (4, 4)
    assert math.isnan(shares.p_value)
    assert all(math.isnan(group.share) for group in shares.groups)
