"""What a network predicts for a split, collected while a trainer tests it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from zoo.tasks import Task


@dataclass(frozen=True)
class Predictions:
    """The predictions for a split, in the order of its examples.

    Attributes:
        indices: The index of each example in its split, shape ``(examples,)``.
        values: Probabilities of the classes, or values, floats of shape ``(examples, ...)``.
        targets: Class indices, shape ``(examples,)``; for other targets, the shape of the values.
    """

    indices: Tensor
    values: Tensor
    targets: Tensor


class Collector(Callback):
    """Collects the predictions of a test, from all ranks."""

    predictions: Predictions | None = None
    """The predictions, after the test; None for a network whose test step does not return its output."""

    def __init__(self) -> None:
        self.values: list[Tensor] = []
        self.targets: list[Tensor] = []

    def on_test_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Keep the predictions and the targets of a batch."""
        if isinstance(outputs, Tensor) and isinstance(pl_module, Task):
            self.values.append(pl_module.predicted(outputs))
            self.targets.append(batch[1])

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Put the predictions of all ranks into the order of the examples."""
        if not self.values:
            return
        values, targets = torch.cat(self.values).float().cpu(), torch.cat(self.targets).cpu()
        loader: Any = trainer.test_dataloaders
        here = torch.tensor([*loader.sampler])[: len(values)], values, targets
        everywhere: list[Any] = [here]
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            everywhere = [None] * torch.distributed.get_world_size()
            torch.distributed.all_gather_object(everywhere, here)
        indices, values, targets = (torch.cat(parts) for parts in zip(*everywhere, strict=True))
        order = indices.argsort()
        self.predictions = Predictions(indices[order], values[order], targets[order])
