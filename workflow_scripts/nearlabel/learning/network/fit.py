"""Training a classifier on some rows: optimiser, class weights, augmentation, early stopping."""

import copy
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from nearlabel.bars import Progress
from nearlabel.features.devices import autocast, torch_set_up
from nearlabel.learning.network.model import CLASSES, Classifier
from nearlabel.learning.network.rows import StoredRows
from nearlabel.seeds import derive_seed


class Trainer:
    """Trains a classifier by minibatches with cross-entropy.

    Every call of `train` and `fit` has an optimiser of its own: what an optimiser remembers of earlier images does not
    reach later rounds (our choice; the paper does not say).

    Parameters
    ----------
    classifier : Classifier
        What is trained, in place.
    values : ndarray or StoredRows, shape (n, …)
        Stored rows, as `Classifier.take` takes them.
    labels : ndarray of int, shape (n,)
        Class of each row, -1 where it has none.
    settings : mapping
        ``epochs, minibatch_size, optimiser`` (``name, learning_rate, weight_decay, momentum``), ``class_weights``
        (``balanced`` or ``none``), ``augmentation`` (``horizontal_flip, vertical_flip, brightness, contrast,
        translate``).
    """

    def __init__(
        self,
        classifier: Classifier,
        values: np.ndarray | StoredRows,
        labels: np.ndarray,
        settings: Mapping[str, Any],
    ):
        self.classifier, self.settings = classifier, settings
        self.rows = StoredRows.of(values, classifier.device)
        self.labels = np.asarray(labels, dtype=np.int64)
        self._augment = build_augmentation(settings["augmentation"])

    def train(self, rows: np.ndarray, labelled: np.ndarray, seed: int) -> None:
        """Train for ``epochs`` epochs.

        Parameters
        ----------
        rows : ndarray of int64
            Rows to train on.
        labelled : ndarray of int64
            All rows labelled so far, for the class weights.
        seed : int
            Of the order of the rows, of augmentation and of dropout.
        """
        step = self._prepare(rows, labelled)
        with self._set_up(seed):
            for _ in range(self.settings["epochs"]):
                step()

    def fit(
        self, rows: np.ndarray, seed: int, *, score: Callable[[], float], epochs: int, patience: int
    ) -> tuple[int, float]:
        """Train until a score has not risen for some epochs, and take the classifier back to its best epoch.

        Parameters
        ----------
        rows : ndarray of int64
            Rows to train on.
        seed : int
            As for `train`.
        score : callable
            Judges the classifier on validation images; higher is better. Of equal scores the earlier epoch counts.
        epochs : int
            Epochs at most.
        patience : int
            Epochs without a better score after which training stops.

        Returns
        -------
        epochs : int
            Epochs that the classifier kept was trained for, from 1.
        score : float
            Its score.
        """
        step = self._prepare(rows, rows)
        best, best_epoch, kept = -np.inf, 0, {}
        with self._set_up(seed), Progress(epochs, "epochs", at_most=True) as progress:
            for epoch in range(1, epochs + 1):
                step()
                found = score()
                progress.update(note=f"validation AUC {found:.3f}")
                if found > best:
                    best, best_epoch = found, epoch
                    kept = copy.deepcopy(self.classifier.trained.state_dict())
                elif epoch - best_epoch >= patience:
                    break
        self.classifier.trained.load_state_dict(kept)
        return best_epoch, float(best)

    def _set_up(self, seed: int):
        return _SeededTorch(seed, self.classifier)

    def _prepare(self, rows: np.ndarray, labelled: np.ndarray) -> Callable[[], None]:
        """One epoch as a function; its order comes from torch's generator, which the caller seeds."""
        classifier, size = self.classifier, self.settings["minibatch_size"]
        rows = np.asarray(rows, dtype=np.int64)
        if not len(rows):
            raise ValueError("there are no images to train on; label a first batch")
        loss = nn.CrossEntropyLoss(weight=self._class_weights(labelled))
        optimiser = build_optimiser(classifier.parameters(), self.settings["optimiser"])
        targets = torch.from_numpy(self.labels).to(classifier.device)

        def step() -> None:
            classifier.train_mode()
            order = rows[torch.randperm(len(rows)).numpy()]
            # In the order of the file, which is read front to back; the order within a minibatch changes nothing.
            chunks = [np.sort(order[start : start + size]) for start in range(0, len(order), size)]
            # Looked at once, at the end: a card is not waited for in each step.
            finite = torch.ones((), dtype=torch.bool, device=classifier.device)
            for some, batch in zip(chunks, self.rows.batches(chunks), strict=True):
                inputs = self._inputs(batch)
                wanted = targets[torch.from_numpy(some).to(classifier.device, non_blocking=True)]
                optimiser.zero_grad(set_to_none=True)
                with autocast(classifier.device, classifier.precision):
                    found = loss(classifier.trained(inputs), wanted)
                finite &= torch.isfinite(found.detach())
                found.backward()
                optimiser.step()
            if not finite:
                raise ValueError("training diverged: the loss is not finite; lower learning.optimiser.learning_rate")

        return step

    def _inputs(self, batch: torch.Tensor) -> torch.Tensor:
        if self._augment is None:
            return self.classifier.take(batch)
        changed = torch.stack([self._augment(image) for image in batch.permute(0, 3, 1, 2)])
        return self.classifier.normalise(changed.permute(0, 2, 3, 1).to(self.classifier.device))

    def _class_weights(self, labelled: np.ndarray) -> torch.Tensor | None:
        if self.settings["class_weights"] == "none":
            return None
        counts = np.bincount(self.labels[labelled], minlength=CLASSES)
        # As scikit-learn's `balanced`; a class without images has no say.
        weights = len(labelled) / (CLASSES * np.maximum(counts, 1))
        return torch.tensor(weights, dtype=torch.float32, device=self.classifier.device)


class _SeededTorch:
    """Torch with its own random numbers and the classifier's threads while a block runs."""

    def __init__(self, seed: int, classifier: Classifier):
        self._seed, self._classifier = seed, classifier

    def __enter__(self):
        device = self._classifier.device
        self._fork = torch.random.fork_rng(devices=[device] if device.type == "cuda" else [])
        self._threads = torch_set_up(self._classifier.threads, self._classifier.precision)
        self._fork.__enter__()
        self._threads.__enter__()
        torch.manual_seed(self._seed)

    def __exit__(self, *error):
        self._threads.__exit__(*error)
        self._fork.__exit__(*error)


def build_optimiser(parameters: list[nn.Parameter], settings: Mapping[str, Any]) -> torch.optim.Optimizer:
    """Make an optimiser.

    Parameters
    ----------
    parameters : list of Parameter
        What it changes.
    settings : mapping
        ``name``: adam, adamw or sgd; ``learning_rate, weight_decay``; ``momentum`` of sgd.

    Returns
    -------
    torch.optim.Optimizer
    """
    shared = {"lr": settings["learning_rate"], "weight_decay": settings["weight_decay"]}
    if settings["name"] == "sgd":
        return torch.optim.SGD(parameters, momentum=settings["momentum"], **shared)
    return {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[settings["name"]](parameters, **shared)


def build_augmentation(settings: Mapping[str, float]) -> Callable[[torch.Tensor], torch.Tensor] | None:
    """Make torchvision's transforms of one uint8 image (3, height, width); None where nothing is asked for.

    Parameters
    ----------
    settings : mapping
        ``horizontal_flip, vertical_flip``: probabilities; ``brightness, contrast``: largest relative change;
        ``translate``: largest shift as a share of a side, black moves in.

    Returns
    -------
    callable or None
        Its random numbers are torch's.
    """
    if not any(settings.values()):
        return None
    from torchvision.transforms import v2

    steps: list[nn.Module] = []
    if settings["horizontal_flip"]:
        steps.append(v2.RandomHorizontalFlip(settings["horizontal_flip"]))
    if settings["vertical_flip"]:
        steps.append(v2.RandomVerticalFlip(settings["vertical_flip"]))
    if settings["translate"]:
        steps.append(v2.RandomAffine(0, translate=(settings["translate"], settings["translate"])))
    if settings["brightness"] or settings["contrast"]:
        steps.append(v2.ColorJitter(brightness=settings["brightness"], contrast=settings["contrast"]))
    return v2.Compose(steps)


def round_seed(seed: int, number: int) -> int:
    """Seed of one round's training: the same for every strategy, so that they differ by what they choose alone."""
    return derive_seed(seed, f"train/{number}")
