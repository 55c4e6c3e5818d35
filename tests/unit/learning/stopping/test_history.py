import numpy as np
import pytest

from nearlabel.learning.stopping.history import Audit, History, Round, Validation


def rounds(*batches):
    return tuple(Round(np.array(batch)) for batch in batches)


def test_audits_count_and_lie_where_they_were_drawn():
    history = History(20, rounds([1, 0, 0], [0, 1]), (Audit(17, 1, 4, 1), Audit(11, 3, 2, 0)))
    assert (history.labelled, history.found, history.left) == (11, 3, 9)
    assert [event.size for event in history.events] == [3, 4, 2, 2]
    labelled, found = history.curve
    assert labelled.tolist() == [3, 7, 9, 11] and found.tolist() == [1, 2, 3, 3]


def test_nothing_is_labelled_at_first():
    history = History(5)
    assert (history.labelled, history.found, history.left, history.events) == (0, 0, 5, ())
    assert [values.tolist() for values in history.curve] == [[], []]


def test_what_a_model_saw_is_what_was_labelled():
    seen = np.array([True, True, False, False])
    model = Round(np.array([1, 0]), np.array([0.9, 0.2, 0.4, 0.1]), seen)
    assert History(4, (model,)).rounds[0].probabilities.dtype == np.float32
    with pytest.raises(ValueError, match="probabilities of 4 images, the population has 5"):
        History(5, (model,))
    with pytest.raises(ValueError, match="saw 2 images where 3 were labelled"):
        History(4, (*rounds([1]), model))
    after = Round(np.array([1, 0]), np.zeros(6), np.arange(6) < 5)
    assert History(6, (after,), (Audit(4, 1, 3, 0),)).labelled == 5


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Round(np.array([])), "shape"),
        (lambda: Round(np.array([[1]])), "shape"),
        (lambda: Round(np.array([0, 2])), "not all 0 or 1"),
        (lambda: Round(np.array([0, np.nan])), "not all 0 or 1"),
        (lambda: Round(np.array([0]), np.array([0.5])), "give both or neither"),
        (lambda: Round(np.array([0]), np.array([np.nan]), np.array([True])), "none that is NaN"),
        (lambda: Round(np.array([0]), np.array([1.5]), np.array([True])), "from 0 to 1"),
        (lambda: Round(np.array([0]), np.array([0.5]), np.array([1])), "truth value"),
        (lambda: Audit(10, -1, 3, 1), "-1 defects found"),
        (lambda: Audit(10, 0, 11, 1), "11 images of 10 left"),
        (lambda: Audit(10, 0, 0, 0), "0 images of 10 left"),
        (lambda: Audit(10, 0, 3, 4), "has 4 defects"),
        (lambda: Validation(1.1, 0.1, 10, "uniform"), "AUC is 1.1"),
        (lambda: Validation(np.nan, 0.1, 10, "uniform"), "AUC is nan"),
        (lambda: Validation(0.9, -0.1, 10, "uniform"), "error"),
        (lambda: Validation(0.9, 0.1, 0, "uniform"), "0 images"),
        (lambda: Validation(0.9, 0.1, 5, "by hand"), "choose from uniform, stratified, chosen"),
        (lambda: History(0), "0 images"),
        (lambda: History(2, rounds([1, 0, 0])), "3 images are labelled of a population of 2"),
        (lambda: History(9, rounds([1, 0]), (Audit(8, 1, 1, 0),)), "from 8 images left"),
        (lambda: History(9, rounds([1, 0]), (Audit(7, 2, 1, 0),)), "2 defects found where .* have 1"),
    ],
)
def test_counts_that_cannot_be_are_named(make, text):
    with pytest.raises(ValueError, match=text):
        make()
