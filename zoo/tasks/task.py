"""What every network shares: its loss, optimizer, steps and answers. A network adds its layers and its forward."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple, TypedDict

import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torchmetrics import Metric

from zoo.errors import ZooError
from zoo.internals.lightning import trainer_of
from zoo.internals.torch import evaluating
from zoo.kinds import InputKind, OutputKind, TargetKind
from zoo.support.ranks import rank_and_ranks
from zoo.support.signatures import constructor_arguments, follow_options
from zoo.tasks.compatibility import check_fits
from zoo.tasks.hyperparameters import check_hyperparameters
from zoo.tasks.losses import LossName, loss_function
from zoo.tasks.metrics import MetricsModule, SplitPrefix
from zoo.tasks.optimizers import lr_scheduler_class, lr_scheduler_config, optimizer_class
from zoo.transforms import Transform, from_spec

Batch = tuple[Tensor, Tensor]


class TaskOptions(TypedDict, total=False):
    """The options that every network takes beside its own, for editors and type checkers; :class:`Task` tells more."""

    optimizer_args: dict[str, Any] | None
    lr_scheduler: str | None
    lr_scheduler_args: dict[str, Any] | None
    l1: float
    l2: float


class Prediction(NamedTuple):
    """What a network says of some inputs.

    Attributes:
        labels: For each input the name of its class; if each class is a yes or no of its own, the names of the yeses;
            for numbers, nothing.
        values: Probabilities, shape ``(inputs, classes)``; or the numbers of a regression, ``(inputs, outputs)``.
    """

    labels: list[str] | list[tuple[str, ...]]
    values: Tensor


class Task(MetricsModule):
    """A network with its loss, its optimizer and its metrics.

    The loss among the metrics leaves the penalties out, so that train and val compare; ``mse_sum`` is summed over all
    examples of the split.

    Args:
        target: What outputs are compared with.
        metrics: What is measured beside the loss, by name.
        loss: Name of the loss, see :mod:`zoo.tasks.losses`.
        lr: Learning rate.
        optimizer: Name of a class of torch.optim.
        optimizer_args: Further arguments of the optimizer, such as ``{momentum: 0.9}``; by default those of the
            document.
        lr_scheduler: Name of a class of torch.optim.lr_scheduler, such as StepLR; by default the rate is constant.
        lr_scheduler_args: Arguments of the schedule, such as ``{step_size: 5}``.
        l1: Factor of the penalty on the sum of the parameters' absolute values.
        l2: Factor of the penalty on the sum of the parameters' squares.

    Attributes:
        transform: Turns a picture, a text or a row of numbers into an input; it comes with weights, or with data.
        classes: Names of the classes, by index; it comes as the transform does.

    Raises:
        ZooError: A name is unknown, a value makes no sense, or a hyperparameter is not plain.
    """

    takes: ClassVar[InputKind] = "image"
    output: ClassVar[OutputKind]
    head: ClassVar[str | None] = None
    """Name of the layer that gives the outputs, a class each; None if there is none to be replaced."""
    momentum: ClassVar[float] = 0.0
    """Momentum of SGD where ``optimizer_args`` are not given."""
    transform: Transform | None = None
    classes: tuple[str, ...] = ()

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
        super().__init__(metrics, summed=loss == "mse_sum")
        self.save_hyperparameters(constructor_arguments(self))
        check_hyperparameters({**self.hparams, "lr": lr, "l1": l1, "l2": l2})
        if optimizer_args is None and optimizer == "SGD" and self.momentum:
            optimizer_args = {"momentum": self.momentum}
        self.lr, self.l1, self.l2 = lr, l1, l2
        self.optimizer, self.optimizer_args = optimizer, optimizer_args or {}
        self.lr_scheduler, self.lr_scheduler_args = lr_scheduler, lr_scheduler_args or {}
        optimizer_class(optimizer, self.optimizer_args)
        if lr_scheduler:
            lr_scheduler_class(lr_scheduler, self.lr_scheduler_args)
        self.loss = loss_function(loss, self.output, target)
        self.evaluated_again = False

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        follow_options(cls)

    def features(self, x: Tensor) -> Tensor:
        """Return what the head sees, shape ``(batch, features)``: the network as a backbone."""
        raise ZooError(f"{type(self).__name__} has no head that could be taken off")

    def setup(self, stage: str) -> None:
        """Take from the data how inputs are made and what the classes are called.

        Raises:
            ZooError: The network does not fit the data.
        """
        data = getattr(self.trainer, "datamodule", None)
        check_fits(self, data)
        self.transform = getattr(data, "transform", self.transform)
        names = tuple(str(name) for name in getattr(data, "classes", self.classes))
        self.classes = names if len(names) == self.hparams.get("num_classes", len(names)) else ()

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Note that the batch was not evaluated yet; LBFGS evaluates each several times, and it is measured once."""
        self.evaluated_again = False

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return the loss of a batch, penalties included."""
        loss = self._loss(batch, None if self.evaluated_again else "train/")
        self.evaluated_again = True
        if self.summed:
            loss = loss * rank_and_ranks(trainer_of(self))[1]  # DDP averages the gradients of the ranks
        if self.l1:
            loss = loss + self.l1 * torch.stack([p.abs().sum() for p in self.parameters()]).sum()
        if self.l2:
            loss = loss + self.l2 * torch.stack([p.square().sum() for p in self.parameters()]).sum()
        return loss

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Measure a batch of the validation set."""
        self._loss(batch, "val/")

    def test_step(self, batch: Batch, batch_idx: int) -> None:
        """Measure a batch of the test set."""
        self._loss(batch, "test/")

    def predict_step(self, batch: Batch | Tensor, batch_idx: int) -> Tensor:
        """Return the probabilities, or values, of a batch of inputs, alone or with their targets."""
        return self.predicted(self(batch if isinstance(batch, Tensor) else batch[0]))

    def predict(self, x: Any) -> Prediction:
        """Say what one or several inputs are, whatever mode the network is in.

        Args:
            x: A PIL image or an array of its bytes, a text, or a row of numbers; several of them, in a list, an array
                or a table of pandas; or a tensor of inputs with a batch dimension.

        Raises:
            ZooError: The network does not know how to make an input, or none can be made of this.
        """
        with torch.inference_mode():
            return Prediction([], self.predicted(evaluating(self)(self._inputs(x))))

    def _inputs(self, x: Any) -> Tensor:
        if not isinstance(x, Tensor):
            if self.transform is None:
                raise ZooError("the network does not know how to make inputs: set its transform, or give a tensor")
            x = x.to_numpy() if hasattr(x, "to_numpy") else x  # a row, a column or a table of pandas
            values = [x] if self.transform.is_one(x) else [*x]
            if not values:
                raise ZooError("there is nothing to predict: no input was given")
            x = pad_sequence([self.transform(value) for value in values], batch_first=True)
        if x.dim() < 2:
            raise ZooError(f"a tensor of inputs has a batch dimension, this one has the shape {tuple(x.shape)}")
        weight = next(self.parameters())  # unlike Lightning's device and dtype, always right
        return x.to(weight.device, weight.dtype if x.is_floating_point() else None)

    def _loss(self, batch: Batch, split: SplitPrefix | None) -> Tensor:
        x, target = batch
        output = self(x)
        loss = self.loss(output, target)
        if split:
            self.record(split, loss, output, target)
        return loss

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Build the optimizer, and the schedule if there is one, from their names."""
        build = optimizer_class(self.optimizer, self.optimizer_args)
        optimizer = build(self.parameters(), lr=self.lr, **self.optimizer_args)
        if not self.lr_scheduler:
            return optimizer
        scheduler = lr_scheduler_class(self.lr_scheduler, self.lr_scheduler_args)(optimizer, **self.lr_scheduler_args)
        return {"optimizer": optimizer, "lr_scheduler": lr_scheduler_config(scheduler)}

    def lr_scheduler_step(self, scheduler: Any, metric: Any | None) -> None:
        """Step a schedule; not one that looks at the validation, which Lightning would leave out in a resumed epoch."""
        if not isinstance(scheduler, ReduceLROnPlateau):
            super().lr_scheduler_step(scheduler, metric)

    def on_validation_epoch_end(self) -> None:
        """Log the validation set's metrics, and step a schedule that looks at them."""
        super().on_validation_epoch_end()
        scheduler = self.lr_schedulers() if self.lr_scheduler and trainer_of(self) else None
        if isinstance(scheduler, ReduceLROnPlateau) and not self.trainer.sanity_checking:
            scheduler.step(self.trainer.callback_metrics["val/loss"])

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Name the network and its data, so that :func:`zoo.load_model` knows what to build, and what to feed it."""
        super().on_save_checkpoint(checkpoint)
        data = getattr(trainer_of(self), "datamodule", None)
        checkpoint["zoo"] = {
            "model": class_path(self),
            "data": class_path(data) if data else None,
            "transform": self.transform.spec() if self.transform else None,
            "classes": list(self.classes),
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take from a checkpoint how inputs are made and what the classes are called."""
        super().on_load_checkpoint(checkpoint)
        origin = checkpoint.get("zoo", {})
        self.transform = from_spec(origin["transform"]) if origin.get("transform") else None
        self.classes = tuple(origin.get("classes", ()))


def class_path(instance: object) -> str:
    """Return where an object's class is, as ``module:Class``."""
    return f"{type(instance).__module__}:{type(instance).__qualname__}"
