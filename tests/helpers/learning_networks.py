"""A small classifier and stored images for tests of the engine."""

import numpy as np
import torch
from torch import nn

from nearlabel.learning.network.model import Classifier
from nearlabel.learning.simulation.protocol import Experiment

SETTINGS = {
    "training": "newest_batch",
    "batch_size": 6,
    "evaluate_every": 1,
    "maps": {"target": "predicted", "size": None},
    "evaluation_batch_size": 8,
    "epochs": 2,
    "minibatch_size": 4,
    "optimiser": {"name": "adam", "learning_rate": 0.01, "weight_decay": 0.0, "momentum": 0.0},
    "class_weights": "balanced",
    "augmentation": {"horizontal_flip": 0, "vertical_flip": 0, "brightness": 0, "contrast": 0, "translate": 0},
    "retrain": {"epochs": 4, "patience": 2},
}


def small_classifier(seed=0, *, two_layers=False, fine_tune="full"):
    """Convolution, batch norm, pooling and one linear layer; or two, for which maps need autograd."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        head = nn.Linear(4 if two_layers else 8, 2)
        between = [nn.Linear(8, 4), nn.ReLU()] if two_layers else [nn.Dropout(0.2)]
        network = nn.Sequential(
            nn.Conv2d(3, 8, 3, stride=2),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            *between,
            head,
        )
    normalisation = ((0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
    return Classifier(
        "small", "seeded", "0" * 64, None, network, head, normalisation, fine_tune, seed, torch.device("cpu"), 1
    )


def stored_images(n=60, seed=0):
    """Noise; defective images, every third, have a bright square."""
    rng = np.random.default_rng(seed)
    images = rng.integers(60, 140, (n, 20, 20, 3), dtype=np.uint8)
    labels = (np.arange(n) % 3 == 0).astype(np.int64)
    images[labels == 1, 5:11, 5:11] += 90
    return images, labels


def small_experiment(labels):
    """The first 12 images test, the next 12 validate, the rest is the pool."""
    rows = np.arange(len(labels))
    ids = np.array([f"{row:03d}.png" for row in rows], dtype=object)
    return Experiment(ids, labels, rows[24:], rows[12:24], rows[:12])
