"""What every network shares: its loss, optimizer, metrics and steps. A network adds its layers and its forward."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any, ClassVar, Literal, TypedDict, cast, get_args

import torch
from lightning.pytorch import LightningModule
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torchmetrics import MeanMetric, Metric, MetricCollection
from torchmetrics.classification import BinaryAccuracy, MulticlassAccuracy, MulticlassConfusionMatrix
from torchmetrics.regression import MeanAbsoluteError

from zoo.errors import ZooError
from zoo.losses import LossName, OutputKind, TargetKind, loss_function
from zoo.optim import lr_scheduler_class, lr_scheduler_config, optimizer_class

Batch = tuple[Tensor, Tensor]
SplitPrefix = Literal["train/", "val/", "test/"]

MEASURED_AT_ONCE = 32
"""Batches whose metrics are updated together: one by one, it would take a tenth of an epoch of a small network."""


class TaskOptions(TypedDict, total=False):
    """The options that every network takes beside its own.

    Args:
        optimizer_args: Further arguments of the optimizer, such as ``{momentum: 0.9}``. Default: none.
        lr_scheduler: Name of a class of torch.optim.lr_scheduler, such as StepLR. Default: a constant rate.
        lr_scheduler_args: Arguments of the schedule, such as ``{step_size: 5}``. Default: none.
        l1: Factor of the penalty on the sum of the parameters' absolute values. Default: 0.
        l2: Factor of the penalty on the sum of the parameters' squares. Default: 0.
    """

    optimizer_args: dict[str, Any] | None
    lr_scheduler: str | None
    lr_scheduler_args: dict[str, Any] | None
    l1: float
    l2: float


class Task(LightningModule, ABC):
    """A network with its loss, its optimizer and a set of metrics for each of train, val and test.

    Metrics are updated in each step and computed once, at the epoch's end: exact for uneven batches and on any number
    of ranks. The loss among them leaves the penalties out, so that train and val compare.

    Args:
        loss: Name of the loss, see :mod:`zoo.losses`.
        lr: Learning rate.
        optimizer: Name of a class of ``torch.optim``.
        optimizer_args: As in :class:`TaskOptions`, like the rest.
        lr_scheduler: Name of a class of ``torch.optim.lr_scheduler``.
        lr_scheduler_args: Arguments of the schedule.
        l1: Factor of the L1 penalty.
        l2: Factor of the L2 penalty.

    Raises:
        ZooError: A name is unknown, a value makes no sense, or a hyperparameter is not plain.
    """

    output: ClassVar[OutputKind]
    target: ClassVar[TargetKind]

    def __init__(
        self,
        *,
        loss: LossName,
        lr: float,
        optimizer: str = "SGD",
        optimizer_args: dict[str, Any] | None = None,
        lr_scheduler: str | None = None,
        lr_scheduler_args: dict[str, Any] | None = None,
        l1: float = 0.0,
        l2: float = 0.0,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        for name, value in self.hparams.items():
            _check_plain(name, value)
            if type(value) is int and value < 1 and name not in ("lr", "l1", "l2"):
                raise ZooError(f"{name} must be at least 1, got {value}")
        if not (math.isfinite(lr) and lr > 0):
            raise ZooError(f"lr must be a finite number above 0, got {lr}")
        for name, factor in {"l1": l1, "l2": l2}.items():
            if not (math.isfinite(factor) and factor >= 0):
                raise ZooError(f"{name} must be a finite number of at least 0, got {factor}")
        optimizer_class(optimizer, optimizer_args or {})
        if lr_scheduler:
            lr_scheduler_class(lr_scheduler, lr_scheduler_args or {})
        self.loss = loss_function(loss, self.output, self.target)
        metrics = MetricCollection({"loss": MeanMetric(nan_strategy="disable"), **self.metrics()}, compute_groups=False)
        # In one container, so that the model summary shows them as one line.
        self.measures = nn.ModuleDict({split: metrics.clone(split) for split in get_args(SplitPrefix)})
        self.unmeasured: dict[SplitPrefix, list[tuple[Tensor, Tensor, Tensor]]] = {s: [] for s in get_args(SplitPrefix)}

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute; at once if it is the one in which Lightning notes, 50 times a step, what it calls."""
        if name == "_current_fx_name":  # torch's way, which looks for parameters first, costs 8% of an epoch of `slp`
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    @abstractmethod
    def metrics(self) -> dict[str, Metric]:
        """Return what is measured on each split beside the loss, by name."""

    def predicted(self, output: Tensor) -> Tensor:
        """Turn what ``forward`` puts out into what a user asks for: probabilities, or values, of the same shape."""
        return output

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return the loss of a batch, penalties included."""
        loss = self._measure(batch, "train/")
        if self.hparams["l1"]:
            loss = loss + self.hparams["l1"] * torch.stack([p.abs().sum() for p in self.parameters()]).sum()
        if self.hparams["l2"]:
            loss = loss + self.hparams["l2"] * torch.stack([p.square().sum() for p in self.parameters()]).sum()
        return loss

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Measure a batch of the validation set."""
        self._measure(batch, "val/")

    def test_step(self, batch: Batch, batch_idx: int) -> None:
        """Measure a batch of the test set."""
        self._measure(batch, "test/")

    def predict_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return the probabilities, or values, of a batch."""
        return self.predicted(self(batch[0]))

    def split_metrics(self, split: SplitPrefix) -> MetricCollection:
        """Return the metrics of a split."""
        return cast(MetricCollection, self.measures[split])

    def update_metrics(self, split: SplitPrefix, losses: Tensor, outputs: Tensor, targets: Tensor) -> None:
        """Update a split's metrics with some batches at once.

        Args:
            split: Prefix of the split.
            losses: Mean losses of the examples, shape ``(examples,)``.
            outputs: What ``forward`` put out, shape ``(examples, ...)``.
            targets: The targets, shape ``(examples, ...)``.
        """
        self.split_metrics(split).update(value=losses, preds=self.predicted(outputs), target=targets)

    def _measure(self, batch: Batch, split: SplitPrefix) -> Tensor:
        x, target = batch
        output = self(x)
        loss = self.loss(output, target)
        batches = self.unmeasured[split]
        batches.append((loss.detach(), output.detach(), target))
        if len(batches) == MEASURED_AT_ONCE:
            self._flush(split)
        return loss

    def _flush(self, split: SplitPrefix) -> None:
        batches = self.unmeasured[split]
        if batches:
            losses = torch.cat([loss.expand(len(target)) for loss, _, target in batches])
            self.update_metrics(split, losses, torch.cat([b[1] for b in batches]), torch.cat([b[2] for b in batches]))
            batches.clear()

    def _log(self, split: SplitPrefix) -> None:
        self._flush(split)
        # Given whole metrics rather than numbers, Lightning computes them over all ranks, and resets them.
        self.log_dict(self.split_metrics(split), prog_bar=split != "test/")

    def on_train_epoch_end(self) -> None:
        """Log the epoch's metrics."""
        self._log("train/")

    def on_validation_epoch_end(self) -> None:
        """Log the validation set's metrics."""
        self._log("val/")

    def on_test_epoch_end(self) -> None:
        """Log the test set's metrics."""
        self._log("test/")

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Build the optimizer, and the schedule if there is one, from their names."""
        options = self.hparams
        arguments = options["optimizer_args"] or {}
        optimizer = optimizer_class(options["optimizer"], arguments)(self.parameters(), lr=options["lr"], **arguments)
        if not options["lr_scheduler"]:
            return optimizer
        arguments = options["lr_scheduler_args"] or {}
        scheduler = lr_scheduler_class(options["lr_scheduler"], arguments)(optimizer, **arguments)
        return {"optimizer": optimizer, "lr_scheduler": lr_scheduler_config(scheduler, monitor="val/loss")}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Name the network and its data, so that :func:`zoo.load_model` knows what to build."""
        data = getattr(self._trainer, "datamodule", None)
        checkpoint["zoo"] = {"model": class_path(self), "data": class_path(data) if data else None}


class Classifier(Task):
    """A network that tells which of several classes an example belongs to.

    ``forward`` gives one output a class, shape ``(batch, num_classes)``; targets are class indices, shape ``(batch,)``.
    Measures ``acc``, the share of examples whose largest output is the right one. After a test, ``confusion`` holds
    the counts, shape ``(true class, predicted class)``.

    Args:
        num_classes: Number of classes, at least 2.
        **options: See :class:`Task`.
    """

    target = "class"
    confusion: Tensor

    def __init__(self, num_classes: int, **options: Any) -> None:
        if num_classes < 2:
            raise ZooError(f"num_classes must be at least 2, got {num_classes}")
        super().__init__(**options)
        self.measures["confusion"] = MulticlassConfusionMatrix(num_classes, validate_args=False)

    def metrics(self) -> dict[str, Metric]:
        """Return the accuracy."""
        return {"acc": MulticlassAccuracy(self.hparams["num_classes"], average="micro", validate_args=False)}

    def predicted(self, output: Tensor) -> Tensor:
        """Return probabilities; those of sigmoid outputs are each on their own, and need not add up to 1."""
        match self.output:
            case "logits":
                return output.softmax(-1)
            case "log_probs":
                return output.exp()
        return output

    def update_metrics(self, split: SplitPrefix, losses: Tensor, outputs: Tensor, targets: Tensor) -> None:
        """Update a split's metrics, and, of the test set, who was taken for whom."""
        super().update_metrics(split, losses, outputs, targets)
        if split == "test/":
            cast(Metric, self.measures["confusion"]).update(outputs, targets)

    def on_test_epoch_end(self) -> None:
        """Log the test set's metrics and keep the confusion matrix."""
        super().on_test_epoch_end()
        counts = cast(Metric, self.measures["confusion"])
        self.confusion = counts.compute().cpu()
        counts.reset()


class BinaryClassifier(Task):
    """A network that answers one or more questions with yes or no.

    ``forward`` gives one output a question; targets are 0 or 1, of the output's shape. Measures ``acc``, the share of
    right answers.

    Args:
        **options: See :class:`Task`.
    """

    target = "binary"

    def metrics(self) -> dict[str, Metric]:
        """Return the accuracy."""
        return {"acc": BinaryAccuracy(validate_args=False)}

    def predicted(self, output: Tensor) -> Tensor:
        """Return the probability of each yes."""
        return output.sigmoid() if self.output == "logits" else output


class Regressor(Task):
    """A network that predicts numbers.

    ``forward`` gives values; targets have their shape. Measures ``mae``, the mean absolute error, in the
    target's units.

    Args:
        **options: See :class:`Task`.
    """

    output = "values"
    target = "value"

    def metrics(self) -> dict[str, Metric]:
        """Return the mean absolute error."""
        return {"mae": MeanAbsoluteError()}


def class_path(instance: object) -> str:
    """Return where an object's class is, as ``module:Class``."""
    return f"{type(instance).__module__}:{type(instance).__qualname__}"


def _check_plain(name: str, value: Any) -> None:
    """Refuse what a checkpoint could only hold as a pickle: it would not load with ``weights_only=True``."""
    if isinstance(value, dict):
        for key, item in value.items():
            _check_plain(f"{name}.{key}", item)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _check_plain(f"{name}[{index}]", item)
    elif value is not None and type(value) not in (str, int, float, bool):
        raise ZooError(f"{name} must be plain (text, number, true/false, list or dict of these), got {type(value)}")
