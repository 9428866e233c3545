"""The base class of networks: the loss, the optimizer, the steps and predictions. A network adds its layers."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torchmetrics import Metric

from zoo.errors import ZooError
from zoo.internals.lightning import trainer_of
from zoo.internals.torch import evaluating
from zoo.kinds import InputKind, OutputKind, TargetKind
from zoo.support.ranks import rank_and_ranks
from zoo.support.signatures import class_path, constructor_arguments, follow_options
from zoo.tasks.compatibility import check_fits
from zoo.tasks.description import as_html
from zoo.tasks.hyperparameters import check_hyperparameters
from zoo.tasks.losses import LossName, add_penalties, loss_function
from zoo.tasks.metrics import MetricsModule, SplitPrefix
from zoo.tasks.optimizers import check_optimizer, configure
from zoo.tasks.prediction import Prediction, input_batch
from zoo.tasks.run_length import RunLength
from zoo.tasks.warm_up import step_plateau, without_warm_up
from zoo.transforms import Transform, from_spec

Batch = tuple[Tensor, Tensor]


class Task(MetricsModule):
    """A network with its loss, its optimizer and its metrics.

    Logged losses exclude the penalties, so that train and val are comparable; ``mse_sum`` is the sum over the split.

    Args:
        target: Kind of the targets.
        metrics: Metrics in addition to the loss, by name.
        loss: Name of the loss, see :mod:`zoo.tasks.losses`.
        lr: Learning rate.
        optimizer: Name of a class of torch.optim.
        optimizer_args: Further arguments of the optimizer, such as ``{momentum: 0.9}``. Default: as documented.
        lr_scheduler: Name of a class of torch.optim.lr_scheduler, such as StepLR. Default: a constant rate.
        lr_scheduler_args: Its arguments, such as ``{step_size: 5}``. Default of a length, such as ``T_max``: the run's.
        warmup_steps: Number of optimizer steps in which the learning rate rises to what it would be otherwise.
        l1: Weight of the L1 penalty, the sum of the parameters' absolute values.
        l2: Weight of the L2 penalty, the sum of the parameters' squares.

    Attributes:
        run_length: The length of the run, for schedules that follow it. Default: as the trainer says.
        transform: Turns a picture, a text or a row of numbers into an input. Set by the data or the weights.
        classes: Names of the classes, by index. Set by the data or the weights.

    Raises:
        ZooError: A name is unknown, a value is invalid, or a hyperparameter is not plain.
    """

    takes: ClassVar[InputKind] = "image"
    output: ClassVar[OutputKind]
    head: ClassVar[str | None] = None
    """Name of the last layer, which has one output per class; None if there is no layer to replace."""
    momentum: ClassVar[float] = 0.0
    """Momentum of SGD if ``optimizer_args`` is not given."""
    run_length: RunLength | None = None
    transform: Transform | None = None
    classes: tuple[str, ...] = ()
    _repr_html_ = as_html

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
        warmup_steps: int = 0,
        l1: float = 0.0,
        l2: float = 0.0,
    ) -> None:
        super().__init__(metrics, summed=loss == "mse_sum")
        self.save_hyperparameters(constructor_arguments(self))
        check_hyperparameters({**self.hparams, "lr": lr, "l1": l1, "l2": l2})
        if optimizer_args is None and optimizer == "SGD" and self.momentum:
            optimizer_args = {"momentum": self.momentum}
        self.loss_name, self.lr, self.warmup_steps, self.l1, self.l2 = loss, lr, warmup_steps, l1, l2
        self.optimizer, self.optimizer_args = optimizer, optimizer_args or {}
        self.lr_scheduler, self.lr_scheduler_args = lr_scheduler, lr_scheduler_args or {}
        check_optimizer(self)
        self.loss = loss_function(loss, self.output, target)
        self.batch_recorded = False

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        follow_options(cls)

    def features(self, x: Tensor) -> Tensor:
        """Return the input of the head, shape ``(batch, features)``, to use the network as a backbone."""
        raise ZooError(f"{type(self).__name__} has no head to remove")

    def setup(self, stage: str) -> None:
        """Take the transform and the names of the classes from the data.

        Raises:
            ZooError: The network does not fit the data.
        """
        data = getattr(self.trainer, "datamodule", None)
        check_fits(self, data)
        self.transform = getattr(data, "transform", self.transform)
        names = tuple(str(name) for name in getattr(data, "classes", self.classes))
        self.classes = names if len(names) == self.hparams.get("num_classes", len(names)) else ()

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Let the next training step record its metrics; LBFGS runs several steps per batch."""
        self.batch_recorded = False

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return the loss of a batch, including penalties."""
        minimized, loss, output = self.losses(batch)
        if not self.batch_recorded:
            self.record("train/", loss, output, batch[1])
        self.batch_recorded = True
        return minimized

    def losses(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Return what training minimizes, the recorded loss, and the output of a batch."""
        loss = self.loss(output := self(batch[0]), batch[1])
        minimized = self.objective(loss, output, batch[1]) if self.adjusts_loss else loss
        if self.summed:
            minimized = minimized * rank_and_ranks(trainer_of(self))[1]  # DDP averages the gradients of the ranks
        return add_penalties(minimized, self.parameters, self.l1, self.l2), loss, output

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Record the metrics of a validation batch."""
        self._loss(batch, "val/")

    def test_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Record the metrics of a test batch, and return the output."""
        return self._loss(batch, "test/")[1]

    def predict_step(self, batch: Batch | Tensor, batch_idx: int) -> Tensor:
        """Return the probabilities or values of a batch of inputs, with or without targets."""
        return self.predicted(self(batch if isinstance(batch, Tensor) else batch[0]))

    def predict(self, x: Any) -> Prediction:
        """Predict one or several inputs, in evaluation mode whatever the mode of the network.

        Args:
            x: A PIL image or an array of its bytes, a text, or a row of numbers; a list, an array or a pandas table of
                several; or a tensor of inputs with a batch dimension.

        Raises:
            ZooError: The network has no transform, or ``x`` is empty or invalid.
        """
        x = input_batch(x, self.transform, like=next(self.parameters()))
        with torch.inference_mode():
            return Prediction([], self.predicted(evaluating(self)(x)))

    def _loss(self, batch: Batch, split: SplitPrefix) -> tuple[Tensor, Tensor]:
        loss = self.loss(output := self(batch[0]), batch[1])
        self.record(split, loss, output, batch[1])
        return loss, output

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Build the optimizer and the learning-rate schedulers, if there are any."""
        return configure(self)

    def lr_scheduler_step(self, scheduler: Any, metric: Any | None) -> None:
        """Step the scheduler, except ReduceLROnPlateau, whose step Lightning would skip in a resumed epoch."""
        if not isinstance(scheduler, ReduceLROnPlateau):
            with without_warm_up(self.lr_schedulers(), scheduler):
                super().lr_scheduler_step(scheduler, metric)

    def on_validation_epoch_end(self) -> None:
        """Log the validation metrics, and step ReduceLROnPlateau."""
        super().on_validation_epoch_end()
        if self.lr_scheduler and trainer_of(self) and not self.trainer.sanity_checking:
            step_plateau(self.lr_schedulers(), self.trainer.callback_metrics)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Save what :func:`zoo.load_model` needs: the classes of the network and its data, and the transform."""
        super().on_save_checkpoint(checkpoint)
        checkpoint["zoo"] = {
            "model": class_path(self),
            "data": class_path(data) if (data := getattr(trainer_of(self), "datamodule", None)) else None,
            "transform": self.transform.spec() if self.transform else None,
            "classes": list(self.classes),
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Load the transform and the names of the classes."""
        super().on_load_checkpoint(checkpoint)
        origin = checkpoint.get("zoo", {})
        self.transform = from_spec(origin["transform"]) if origin.get("transform") else None
        self.classes = tuple(origin.get("classes", ()))
