"""What every network shares: its loss, optimizer, metrics and steps. A network adds its layers and its forward."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal, TypedDict, cast, get_args

import torch
from lightning.pytorch import LightningModule
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torchmetrics import MeanMetric, Metric, MetricCollection, SumMetric
from torchmetrics.classification import BinaryAccuracy, MulticlassAccuracy, MulticlassConfusionMatrix
from torchmetrics.regression import MeanAbsoluteError

from zoo.errors import ZooError
from zoo.losses import InputKind, LossName, OutputKind, TargetKind, loss_function
from zoo.optim import lr_scheduler_class, lr_scheduler_config, optimizer_class
from zoo.signatures import arguments_of

Batch = tuple[Tensor, Tensor]
SplitPrefix = Literal["train/", "val/", "test/"]

MEASURED_AT_ONCE = 32
"""Batches whose metrics are updated together: one by one, it would take a tenth of an epoch of a small network."""


class TaskOptions(TypedDict, total=False):
    """The options that every network takes beside its own.

    Args:
        optimizer_args: Further arguments of the optimizer, such as ``{momentum: 0.9}``. Default: those of the document.
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


class ClassifierOptions(TaskOptions, total=False):
    """The options that every classifier takes beside its own.

    Args:
        multilabel: Whether each class is a yes or no of its own, rather than one of several. Default: no.
    """

    multilabel: bool


class Task(LightningModule):
    """A network with its loss, its optimizer and a set of metrics for each of train, val and test.

    Metrics are updated in each step and computed once, at the epoch's end: exact for uneven batches and on any number
    of ranks. The loss among them leaves the penalties out, so that train and val compare; ``mse_sum`` is summed over
    all examples of the split.

    Args:
        target: What outputs are compared with.
        metrics: What is measured beside the loss, by name.
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

    takes: ClassVar[InputKind] = "image"
    output: ClassVar[OutputKind]
    momentum: ClassVar[float] = 0.0
    """Momentum of SGD where ``optimizer_args`` are not given."""

    def __init__(
        self,
        *,
        target: TargetKind,
        metrics: dict[str, Metric],
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
        names = [*arguments_of(type(self)), "loss", "lr", "optimizer", *TaskOptions.__annotations__]
        self.save_hyperparameters(*dict.fromkeys(names))
        for name, value in self.hparams.items():
            _check_plain(name, value)
            if type(value) is int and value < 1 and name not in ("lr", "l1", "l2", "dropout"):
                raise ZooError(f"{name} must be at least 1, got {value}")
            if name == "dropout" and not 0 <= value < 1:
                raise ZooError(f"dropout must be at least 0 and below 1, got {value}")
        for name, number in {"lr": lr, "l1": l1, "l2": l2}.items():
            if not isinstance(number, int | float) or isinstance(number, bool):
                raise ZooError(f"{name} must be a number, got {number!r}")
        if not (math.isfinite(lr) and lr > 0):
            raise ZooError(f"lr must be a finite number above 0, got {lr}")
        for name, factor in {"l1": l1, "l2": l2}.items():
            if not (math.isfinite(factor) and factor >= 0):
                raise ZooError(f"{name} must be a finite number of at least 0, got {factor}")
        if optimizer_args is None and optimizer == "SGD" and self.momentum:
            optimizer_args = {"momentum": self.momentum}
        self.optimizer_args = optimizer_args or {}
        optimizer_class(optimizer, self.optimizer_args)
        if lr_scheduler:
            lr_scheduler_class(lr_scheduler, lr_scheduler_args or {})
        self.loss = loss_function(loss, self.output, target)
        self.measured, self.sums = False, loss == "mse_sum"
        total = SumMetric(nan_strategy="disable") if self.sums else MeanMetric(nan_strategy="disable")
        measured = MetricCollection({"loss": total, **metrics}, compute_groups=False)
        # In one container, so that the model summary shows them as one line.
        self.measures = nn.ModuleDict({split: measured.clone(split) for split in get_args(SplitPrefix)})
        self.unmeasured: dict[SplitPrefix, list[tuple[Tensor, Tensor, Tensor]]] = {s: [] for s in get_args(SplitPrefix)}

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute; at once if it is the one in which Lightning notes, 50 times a step, what it calls."""
        if name == "_current_fx_name":  # torch's way, which looks for parameters first, costs 8% of an epoch of `slp`
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    def predicted(self, output: Tensor) -> Tensor:
        """Turn what ``forward`` puts out into what a user asks for: probabilities, or values, of the same shape."""
        return output

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Note that the batch was not measured yet; LBFGS evaluates each several times."""
        self.measured = False

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return the loss of a batch, penalties included."""
        loss = self._loss(batch, "train/", measure=not self.measured)
        self.measured = True
        if self.sums and self._trainer:
            loss = loss * self._trainer.world_size  # DDP averages the gradients of the ranks
        if self.hparams["l1"]:
            loss = loss + self.hparams["l1"] * torch.stack([p.abs().sum() for p in self.parameters()]).sum()
        if self.hparams["l2"]:
            loss = loss + self.hparams["l2"] * torch.stack([p.square().sum() for p in self.parameters()]).sum()
        return loss

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Measure a batch of the validation set."""
        self._loss(batch, "val/")

    def test_step(self, batch: Batch, batch_idx: int) -> None:
        """Measure a batch of the test set."""
        self._loss(batch, "test/")

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
            losses: For each example its share in the loss of its batch, shape ``(examples,)``.
            outputs: What ``forward`` put out, shape ``(examples, ...)``.
            targets: The targets, shape ``(examples, ...)``.
        """
        self.split_metrics(split).update(value=losses, preds=self.predicted(outputs), target=targets)

    def _loss(self, batch: Batch, split: SplitPrefix, measure: bool = True) -> Tensor:
        x, target = batch
        output = self(x)
        loss = self.loss(output, target)
        if not measure:
            return loss
        batches = self.unmeasured[split]
        batches.append((loss.detach(), output.detach(), target))
        if len(batches) == MEASURED_AT_ONCE:
            self._flush(split)
        return loss

    def _flush(self, split: SplitPrefix) -> None:
        batches = self.unmeasured[split]
        if batches:
            losses = torch.cat([(loss / len(t) if self.sums else loss).expand(len(t)) for loss, _, t in batches])
            self.update_metrics(split, losses, torch.cat([b[1] for b in batches]), torch.cat([b[2] for b in batches]))
            batches.clear()

    def _log(self, split: SplitPrefix) -> None:
        self._flush(split)
        # Given whole metrics rather than numbers, Lightning computes them over all ranks, and resets them.
        self.log_dict(self.split_metrics(split), prog_bar=split != "test/")

    def _forget(self, split: SplitPrefix) -> None:
        """Drop what is left of an epoch that was interrupted."""
        self.unmeasured[split].clear()
        self.split_metrics(split).reset()

    def on_train_epoch_start(self) -> None:
        """Begin the epoch's metrics."""
        self._forget("train/")

    def on_validation_epoch_start(self) -> None:
        """Begin the validation set's metrics."""
        self._forget("val/")

    def on_test_epoch_start(self) -> None:
        """Begin the test set's metrics."""
        self._forget("test/")

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
        build = optimizer_class(options["optimizer"], self.optimizer_args)
        optimizer = build(self.parameters(), lr=options["lr"], **self.optimizer_args)
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
    """A network that tells which of several classes an example belongs to, or, multi-label, each class's yes or no.

    ``forward`` gives one output a class, shape ``(batch, num_classes)``. Targets are class indices, shape ``(batch,)``,
    or, multi-label, 0 or 1 for each class, of the output's shape. Measures ``acc``: the share of examples whose largest
    output is the right one, or, multi-label, of right answers. After a test of single labels, ``confusion``
    holds the counts, shape ``(true class, predicted class)``.

    Args:
        num_classes: Number of classes.
        multilabel: Whether each class is a yes or no of its own.
        **options: See :class:`Task`.
    """

    confusion: Tensor | None = None

    def __init__(self, num_classes: int, multilabel: bool = False, **options: Any) -> None:
        if num_classes < 2 and not multilabel:
            raise ZooError(f"num_classes must be at least 2, got {num_classes}")
        accuracy = MulticlassAccuracy(num_classes, average="micro", validate_args=False)
        super().__init__(
            target="binary" if multilabel else "class",
            metrics={"acc": BinaryAccuracy(validate_args=False) if multilabel else accuracy},
            **options,
        )
        self.multilabel = multilabel
        if not multilabel:
            self.measures["confusion"] = MulticlassConfusionMatrix(num_classes, validate_args=False)

    def predicted(self, output: Tensor) -> Tensor:
        """Return probabilities; those of sigmoid outputs are each on their own, and need not add up to 1."""
        match self.output:
            case "logits":
                return output.sigmoid() if self.multilabel else output.softmax(-1)
            case "log_probs":
                return output.exp()
        return output

    def update_metrics(self, split: SplitPrefix, losses: Tensor, outputs: Tensor, targets: Tensor) -> None:
        """Update a split's metrics, and, of the test set, who was taken for whom."""
        super().update_metrics(split, losses, outputs, targets)
        if split == "test/" and not self.multilabel:
            cast(Metric, self.measures["confusion"]).update(outputs, targets)

    def on_test_epoch_start(self) -> None:
        """Begin the test set's metrics."""
        super().on_test_epoch_start()
        if not self.multilabel:
            cast(Metric, self.measures["confusion"]).reset()

    def on_test_epoch_end(self) -> None:
        """Log the test set's metrics and keep the confusion matrix."""
        super().on_test_epoch_end()
        if not self.multilabel:
            counts = cast(Metric, self.measures["confusion"])
            self.confusion = counts.compute().cpu()


class Regressor(Task):
    """A network that predicts numbers.

    ``forward`` gives values; targets have their shape. Measures ``mae``, the mean absolute error, in the target's
    units.

    Args:
        **options: See :class:`Task`.
    """

    output = "values"

    def __init__(self, **options: Any) -> None:
        super().__init__(target="value", metrics={"mae": MeanAbsoluteError()}, **options)


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
