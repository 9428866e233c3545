"""What a network predicts for a split, collected while a trainer tests it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor
from torch.utils.data import SequentialSampler

from zoo.datamodules.common.sampling import EpochSampler
from zoo.kinds import TargetKind
from zoo.support.ranks import gather
from zoo.tasks import Task


@dataclass(frozen=True)
class Predictions:
    """The predictions for a split, in the order of its examples.

    Attributes:
        indices: The index of each example in its split, shape ``(examples,)``.
        values: Probabilities of the classes, or values, floats of shape ``(examples, classes or outputs)``.
        targets: Class indices, shape ``(examples,)``; for other targets, the shape of the values.
    """

    indices: Tensor
    values: Tensor
    targets: Tensor

    @classmethod
    def of(cls, kind: TargetKind, indices: Tensor, values: Tensor, targets: Tensor) -> Self | None:
        """Return predictions, given in any shape that networks have; None if they do not fit the targets."""
        if not len(indices) == len(values) == len(targets):
            return None
        if kind == "class":
            fits = values.dim() == 2 and values.shape[1] > 1 and targets.dim() == 1
            return cls(indices, values, targets.long()) if fits else None
        values, targets = (tensor.reshape(len(tensor), -1) for tensor in (values, targets))
        return cls(indices, values, targets.float()) if values.shape == targets.shape else None

    def wrong(self) -> Tensor:
        """Return which answers of a classifier are wrong, shape ``(examples,)``; of labels, ``(examples, labels)``."""
        if self.targets.dim() == 1:
            return self.values.argmax(1) != self.targets
        return (self.values > 0.5) != (self.targets > 0.5)


class Collector(Callback):
    """Collects the predictions of a test, from all ranks.

    Args:
        kind: Kind of the targets.
    """

    predictions: Predictions | None = None
    """The predictions, after the test; None for a network whose test step does not return its output, and for data
    whose loader does not tell the order of the examples."""

    def __init__(self, kind: TargetKind) -> None:
        self.kind = kind
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
        if not (isinstance(outputs, Tensor) and outputs.is_floating_point() and isinstance(pl_module, Task)):
            return
        if outputs.dim() and isinstance(batch, tuple | list) and len(outputs) == len(batch[1]):
            self.values.append(pl_module.predicted(outputs))
            self.targets.append(batch[1])

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Put the predictions of all ranks into the order of the examples."""
        sampler = getattr(trainer.test_dataloaders, "sampler", None)
        if not (self.values and isinstance(sampler, EpochSampler | SequentialSampler)):
            return
        values, targets = torch.cat(self.values).float().cpu(), torch.cat(self.targets).cpu()
        here = torch.tensor([*sampler])[: len(values)], values, targets
        indices, values, targets = (torch.cat(parts) for parts in zip(*gather(here), strict=True))
        order = indices.argsort()
        self.predictions = Predictions.of(self.kind, indices[order], values[order], targets[order])
