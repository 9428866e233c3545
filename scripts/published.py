"""Test errors of public tables, and the options with which networks of the zoo reach them; for reproduce.py."""

from __future__ import annotations

from dataclasses import dataclass

LECUN = "LeCun et al. 1998"
"""Gradient-Based Learning Applied to Document Recognition, table of test errors on MNIST."""


@dataclass
class Published:
    """A row of a public table.

    Attributes:
        source: The publication.
        network: What it calls its network.
        error: Its test error, in percent.
        command: Words of ``zoo fit``.
    """

    source: str
    network: str
    error: float
    command: str


MNIST = "--data mnist --data.val_size 0"

PUBLISHED = [
    Published(LECUN, "linear classifier, one layer", 12.0, f"slp {MNIST}"),
    Published(
        LECUN, "300 hidden units, MSE", 4.7, f"mlp {MNIST} --model.hidden_dim 300 --model.lr 5 --trainer.max_epochs 20"
    ),
    Published(
        LECUN,
        "1000 hidden units",
        4.5,
        f"mlp {MNIST} --model.hidden_dim 1000 --model.optimizer Adam --model.lr 1e-3 "
        "--model.lr_scheduler CosineAnnealingLR --trainer.max_epochs 15",
    ),
    Published(
        LECUN,
        "LeNet-5, with distortions",
        0.8,
        f"cifar_cnn {MNIST} --data.augment true --data.batch_size 64 --model.optimizer Adam --model.lr 2e-3 "
        "--model.lr_scheduler CosineAnnealingLR --trainer.max_epochs 20",
    ),
]
