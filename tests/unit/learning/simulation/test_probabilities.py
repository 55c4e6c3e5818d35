"""Probabilities kept after each round: right, the same after a kill, and of no influence on the run."""

import itertools

import numpy as np
import pytest

from helpers.learning_networks import SETTINGS, small_classifier, small_experiment, stored_images
from nearlabel.learning.network.fit import Trainer
from nearlabel.learning.simulation.engine import Engine
from nearlabel.learning.simulation.fold import Fold
from nearlabel.learning.simulation.probabilities import KeptProbabilities, read_probabilities
from nearlabel.learning.simulation.run import run_strategy
from nearlabel.learning.simulation.state import StateFile
from nearlabel.learning.strategies import STRATEGIES, build_strategy


def engine(folder, strategy="random", *, keep=True, **changed):
    images, labels = stored_images(64)
    state = StateFile(folder, {})
    return Engine(
        small_experiment(labels),
        small_classifier(),
        images,
        build_strategy(strategy),
        SETTINGS | changed,
        fold_seed=1,
        query_seed=2,
        state_file=state,
        novelty=np.random.default_rng(0).normal(size=64),
        probabilities=KeptProbabilities(state.path) if keep else None,
    )


def kept_of(made, rounds):
    kept = KeptProbabilities(made._file.path)
    return np.stack([kept.read(number) for number in range(rounds)])


@pytest.mark.parametrize("strategy", list(STRATEGIES))
def test_keeping_them_changes_nothing_and_every_pool_image_has_one(tmp_path, strategy):
    plain = engine(tmp_path / "plain", strategy, keep=False).run()
    assert not list(tmp_path.rglob("*.f32"))
    made = engine(tmp_path / "kept", strategy)
    run = made.run()
    assert run.rounds.equals(plain.rounds) and run.queries.equals(plain.queries) and run.choices == plain.choices
    values = kept_of(made, len(run.rounds))
    assert values.dtype == np.float32 and values.shape == (7, 40)
    assert ((values >= 0) & (values <= 1)).all()
    # The last model is still there: its probabilities are the softmax of its logits.
    logits = made.evaluator.evaluate(made.experiment.pool).logits.astype(np.float64)
    softmax = np.exp(logits[:, 1]) / np.exp(logits).sum(axis=1)
    np.testing.assert_allclose(values[-1], softmax, rtol=1e-5, atol=1e-7)


def test_rounds_that_nobody_judges_have_them_too(tmp_path):
    every, some = engine(tmp_path / "every"), engine(tmp_path / "some", evaluate_every=4)
    rounds = len(every.run().rounds)
    assert some.run().rounds["test_auc"].isna().sum() == 4
    assert np.array_equal(kept_of(every, rounds), kept_of(some, rounds))


@pytest.fixture
def fold():
    images, labels = stored_images(64)
    from nearlabel.learning.data.arrays import ImageArrays

    experiment = small_experiment(labels)
    return Fold(experiment, small_classifier(), ImageArrays(images, experiment.image_id, {"fingerprint": "f"}), images)


def play(fold, folder, *, probabilities=True, **settings):
    names = {"rounds": "csv", "queries": "csv", "choices": "json", "maps": "h5"}
    names |= {"probabilities": "h5"} if probabilities else {}
    output = {name: folder / f"{name}.{suffix}" for name, suffix in names.items()}
    strategy = {"name": "uncertainty", "parameters": {}}
    fold.classifier.restart()
    return run_strategy(
        fold, strategy, SETTINGS | settings, fold_seed=1, query_seed=2, states=folder / "states", output=output
    )


def die_before(monkeypatch, owner, name, number):
    """The run dies as it is about to do something for the number-th time."""
    real, count = getattr(owner, name), itertools.count()

    def do(self, *arguments):
        if next(count) == number:
            raise KeyboardInterrupt
        return real(self, *arguments)

    monkeypatch.setattr(owner, name, do)


@pytest.mark.parametrize("training", ["newest_batch", "warm_all", "cold_all"])
@pytest.mark.parametrize(("owner", "name"), [(StateFile, "save"), (KeptProbabilities, "save")])
def test_a_killed_run_ends_with_the_same_bytes(fold, tmp_path, monkeypatch, training, owner, name):
    play(fold, tmp_path / "whole", training=training).remove()
    whole = {file.name: file.read_bytes() for file in (tmp_path / "whole").iterdir()}
    assert len(whole) == 5
    for number in (0, 2, 6):
        folder = tmp_path / f"killed{number}"
        die_before(monkeypatch, owner, name, number)
        with pytest.raises(KeyboardInterrupt):
            play(fold, folder, training=training)
        monkeypatch.undo()
        trained = []
        real = Trainer.train
        monkeypatch.setattr(Trainer, "train", lambda self, *a, real=real, t=trained: t.append(1) or real(self, *a))
        play(fold, folder, training=training).remove()
        monkeypatch.undo()
        assert len(trained) == 7 - number
        assert {file.name: file.read_bytes() for file in folder.iterdir()} == whole


def test_no_round_writes_earlier_ones_again(tmp_path, monkeypatch):
    written = []
    save = KeptProbabilities.save
    monkeypatch.setattr(KeptProbabilities, "save", lambda self, n, values: written.append(n) or save(self, n, values))
    made = engine(tmp_path)
    made.run()
    assert written == list(range(7))
    assert made._file.path.stat().st_size < 20_000


@pytest.mark.parametrize("damage", ["missing", "cut"])
def test_lost_probabilities_are_named_and_the_run_begins_anew(fold, tmp_path, caplog, damage):
    state = play(fold, tmp_path)
    expected = (tmp_path / "probabilities.h5").read_bytes()
    file = state.path.with_name(f"{state.path.stem}_3.f32")
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:-5])
    play(fold, tmp_path)
    told = "missing" if damage == "missing" else "damaged"
    assert f"{file} is {told}" in caplog.text and (tmp_path / "probabilities.h5").read_bytes() == expected


def test_a_state_without_them_is_not_found(fold, tmp_path):
    assert play(fold, tmp_path, probabilities=False).path != play(fold, tmp_path).path
    assert play(fold, tmp_path).path.exists()


def test_the_file_says_whose_they_are(fold, tmp_path):
    play(fold, tmp_path).remove()
    assert not (tmp_path / "states").exists()
    found = read_probabilities(tmp_path / "probabilities.h5")
    assert found.n_labelled.tolist() == [6, 12, 18, 24, 30, 36, 40]
    assert found.image_id.tolist() == [f"{row:03d}.png" for row in range(24, 64)]
    assert found.values.shape == (7, 40) and found.values.dtype == np.float32
    (tmp_path / "probabilities.h5").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="is damaged or not such a file"):
        read_probabilities(tmp_path / "probabilities.h5")
