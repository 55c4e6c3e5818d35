"""The rounds of active learning: train, evaluate once, choose the next batch, until the pool is empty."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from scipy.special import expit

from nearlabel.bars import Progress
from nearlabel.learning.network.evaluate import POSITIVE, Evaluator, auc_and_ap
from nearlabel.learning.network.fit import Trainer, round_seed
from nearlabel.learning.network.logits import log_odds
from nearlabel.learning.network.model import Classifier
from nearlabel.learning.network.outputs import Evaluated
from nearlabel.learning.network.query_pass import describe_maps, look, make_view
from nearlabel.learning.network.rows import StoredRows
from nearlabel.learning.simulation.probabilities import KeptProbabilities
from nearlabel.learning.simulation.protocol import Experiment, draw_first_batch
from nearlabel.learning.simulation.query_maps import pack_maps
from nearlabel.learning.simulation.state import RunState, StateFile
from nearlabel.learning.strategies.base import Strategy
from nearlabel.learning.strategies.views import MAPS
from nearlabel.seeds import derive_seed

TRAINING = ("newest_batch", "warm_all", "cold_all")
ROUND_COLUMNS = ["round", "n_labelled", "val_auc", "val_ap", "test_auc", "test_ap", "defects_left"]
QUERY_COLUMNS = ["round", "image_id", "score"]


class Run(NamedTuple):
    """A finished run of active learning.

    Attributes
    ----------
    rounds : DataFrame
        ``rounds.csv``: round, n_labelled, val_auc, val_ap, test_auc, test_ap (NaN where a round was not evaluated),
        defects_left. Round 0 follows the first batch.
    queries : DataFrame
        ``queries.csv``: round, image_id, score (of the strategy; NaN for the first batch).
    choices : dict
        ``choices.json``: ``maps`` (``closed form``, ``autograd``, or None where none were needed), ``map_size``,
        ``rounds`` (what the strategy says of each choice, by the round that it was made for).
    maps : list of Tensor of uint8, (n, height, width) each
        Activation maps of each choice, from `nearlabel.learning.simulation.query_maps.pack_maps`; empty where none
        were needed.
    """

    rounds: pd.DataFrame
    queries: pd.DataFrame
    choices: dict[str, Any]
    maps: list[torch.Tensor]


class Engine:
    """Runs one strategy on one fold; after every round the state is on disk.

    Parameters
    ----------
    experiment : Experiment
        The fold's images.
    classifier : Classifier
        Trained in place.
    values : ndarray or StoredRows, shape (n, …)
        Stored rows: images, or outputs of the frozen stages.
    strategy : Strategy
        Chooses the batches.
    settings : mapping
        ``training``: newest_batch (each round on its new images alone, the paper's incremental learning), warm_all (on
        all labelled images, from the last round's weights) or cold_all (on all of them, from the start);
        ``batch_size``, images labelled a round; ``evaluate_every``; ``maps``, as for `Evaluator`;
        ``evaluation_batch_size``; and what `Trainer` takes.
    fold_seed : int
        Of the fold: first batch and training, the same for every strategy.
    query_seed : int
        Of the strategy's random choices.
    state_file : StateFile
        Where the state is kept.
    novelty : ndarray, shape (n,), optional
        How novel each image is, for strategies that need it.
    probabilities : KeptProbabilities, optional
        Where the probability of "defective" of every pool image is kept after each round, the labelled ones' too.
    """

    def __init__(
        self,
        experiment: Experiment,
        classifier: Classifier,
        values: np.ndarray | StoredRows,
        strategy: Strategy,
        settings: Mapping[str, Any],
        *,
        fold_seed: int,
        query_seed: int,
        state_file: StateFile,
        novelty: np.ndarray | None = None,
        probabilities: KeptProbabilities | None = None,
    ):
        self.experiment, self.classifier, self.strategy, self.settings = experiment, classifier, strategy, settings
        stored = StoredRows.of(values, classifier.device)
        self.trainer = Trainer(classifier, stored, experiment.labels, settings)
        self.evaluator = Evaluator(classifier, stored, settings["evaluation_batch_size"], settings["maps"])
        self._fold_seed, self._query_seed, self._file = fold_seed, query_seed, state_file
        self._novelty, self._probabilities = novelty, probabilities
        self._row_of = {image: row for row, image in enumerate(experiment.image_id)}

    def run(self) -> Run:
        """Run to the end, from the last round that is on disk.

        Returns
        -------
        Run
            The same, bit for bit, whether the run was interrupted or not.

        Raises
        ------
        ValueError
            Training diverged; the network suits no activation maps and the strategy needs them.
        """
        state = self._file.load()
        kept = self._probabilities
        if kept and not kept.complete(len(state.rounds), len(self.experiment.pool)):
            state = RunState()
        if not state.queries:
            first = draw_first_batch(self.experiment, self.settings["batch_size"], self._fold_seed)
            state.queries = self._queries(0, first, np.full(len(first), np.nan))
        if state.model is not None:
            self.classifier.trained.load_state_dict(state.model)
        if state.maps is not None:
            # Once autograd is needed it is used to the end, in a run that goes on too.
            self.evaluator.features.closed_form = state.maps == "closed form"
        rounds = -(-len(self.experiment.pool) // self.settings["batch_size"])
        with Progress(rounds, "rounds", done=len(state.rounds)) as progress:
            while len(state.rounds) <= state.queries[-1]["round"]:
                self._round(state)
                self._file.save(state)
                auc = state.rounds[-1]["test_auc"]
                progress.update(note=None if np.isnan(auc) else f"test AUC {auc:.3f}")
        return Run(
            pd.DataFrame(state.rounds, columns=ROUND_COLUMNS),
            pd.DataFrame(state.queries, columns=QUERY_COLUMNS),
            {"maps": state.maps, "map_size": state.map_size, "rounds": state.choices},
            state.chosen_maps,
        )

    def _round(self, state: RunState) -> None:
        """Train on the newest batch, evaluate, choose the next one."""
        number = len(state.rounds)
        chosen = np.array([self._row_of[query["image_id"]] for query in state.queries], dtype=np.int64)
        newest = np.array([query["round"] == number for query in state.queries])
        if self.settings["training"] == "cold_all":
            self.classifier.restart()
        rows = chosen[newest] if self.settings["training"] == "newest_batch" else chosen
        self.trainer.train(rows, chosen, round_seed(self._fold_seed, number))
        left = np.setdiff1d(self.experiment.pool, chosen)
        seen = self._look(number, left, chosen)
        if self._probabilities:
            self._probabilities.save(number, self._of_pool({"pool": left, "labelled": chosen}, seen))
        state.rounds.append(self._judge(number, len(chosen), left, seen))
        # Cold training needs no weights of the last round, and the last round's serve nobody.
        keep = len(left) and self.settings["training"] != "cold_all"
        model = self.classifier.trained.state_dict() if keep else None
        state.model = model and {name: values.cpu() for name, values in model.items()}
        if len(left):
            self._choose(state, number + 1, chosen, left, seen)

    def _look(self, number: int, left: np.ndarray, labelled: np.ndarray) -> dict[str, Evaluated]:
        """Evaluate what the strategy needs to know, and who judges: the first and the last round always."""
        others = {}
        if number % self.settings["evaluate_every"] == 0 or not len(left):
            others = {"val": self.experiment.validation, "test": self.experiment.test}
        if self._probabilities:
            others |= {"pool": left, "labelled": labelled}
        return look(self.evaluator, self.strategy, left, labelled, others)

    def _of_pool(self, parts: Mapping[str, np.ndarray], seen: Mapping[str, Evaluated]) -> np.ndarray:
        """Probability of "defective" of every image of the pool, in its order."""
        values = np.empty(len(self.experiment.pool), dtype=np.float32)
        for name, rows in parts.items():
            if len(rows):
                places = np.searchsorted(self.experiment.pool, rows)
                values[places] = expit(log_odds(seen[name].logits, POSITIVE))
        return values

    def _judge(self, number: int, labelled: int, left: np.ndarray, seen: Mapping[str, Evaluated]) -> dict[str, Any]:
        """Row of ``rounds.csv``."""
        experiment = self.experiment
        row = dict.fromkeys(ROUND_COLUMNS, float("nan"))
        row |= {"round": number, "n_labelled": labelled}
        row["defects_left"] = int(np.count_nonzero(experiment.labels[left] == POSITIVE))
        for name, rows in (("val", experiment.validation), ("test", experiment.test)):
            if name in seen:
                row[f"{name}_auc"], row[f"{name}_ap"] = auc_and_ap(seen[name].logits, experiment.labels[rows])
        return row

    def _choose(
        self, state: RunState, number: int, labelled: np.ndarray, left: np.ndarray, seen: Mapping[str, Evaluated]
    ) -> None:
        rng = np.random.default_rng(derive_seed(self._query_seed, f"query/{number}"))
        labels = self.experiment.labels
        view = make_view(
            self.evaluator,
            self.strategy,
            seen,
            labels[labelled],
            left,
            rng,
            pool_labels=labels[left],
            novelty=self._novelty,
        )
        selection = self.strategy.select(view, self.settings["batch_size"], rng)
        state.queries += self._queries(number, left[selection.indices], selection.scores)
        state.choices.append({"round": number, **selection.info})
        if MAPS in self.strategy.needs:
            state.maps = describe_maps(self.evaluator)
            state.map_size = list(view.pool.maps.shape[1:])
            state.chosen_maps.append(pack_maps(view.pool.maps[selection.indices]))

    def _queries(self, number: int, rows: np.ndarray, scores: np.ndarray) -> list[dict[str, Any]]:
        return [
            {"round": number, "image_id": str(self.experiment.image_id[row]), "score": float(score)}
            for row, score in zip(rows, scores, strict=True)
        ]
