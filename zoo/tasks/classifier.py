"""Networks for classification."""

from __future__ import annotations

from typing import Any, ClassVar, cast

import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torchmetrics import Metric
from torchmetrics.classification import BinaryAccuracy, MulticlassAccuracy, MulticlassConfusionMatrix

from zoo.errors import ZooError
from zoo.kinds import TargetKind
from zoo.tasks.class_weights import ClassWeight, check_class_weight, resolve_class_weight
from zoo.tasks.losses import weighted_loss
from zoo.tasks.metrics import SplitPrefix
from zoo.tasks.prediction import Prediction
from zoo.tasks.task import Task


class Classifier(Task):
    """A network for classification: single-label (one of several classes) or multi-label (yes or no for each class).

    ``forward`` returns one output per class, shape ``(batch, num_classes)``; without classes it returns the features,
    and there is nothing to train. Targets are class indices, shape ``(batch,)``; if multi-label, 0 or 1 for each class,
    with the shape of the output. In training they may be the share of each class, shape ``(batch, classes)``. Records
    ``acc``, the fraction of correctly classified examples; if multi-label, of correct labels. After a single-label
    test, ``confusion`` is the confusion matrix, shape ``(true class, predicted class)``.

    Weights of the classes and smoothed labels change what is minimized, see :func:`zoo.tasks.losses.weighted_loss`. As
    with penalties, the recorded losses, those of training included, are without them, so that they are comparable
    between splits and between runs. Metrics are those of the examples as they are.

    Args:
        num_classes: Number of classes; 0 for the features alone.
        multilabel: Whether an example can belong to any number of classes, rather than to exactly one.
        class_weight: How much an example of each class counts in training: ``balanced``, by which all classes count
            alike, a dictionary by name or index, such as ``{cat: 2.0}``, where others have 1, or a list. Not for
            multi-label networks, where an example has no one class. Default: all examples count alike.
        label_smoothing: Share of each training target that is moved to all classes alike, such as 0.1.
        **options: See :class:`Task`.
    """

    targets: ClassVar[tuple[TargetKind, ...]] = ("class", "binary")
    """Kinds of targets that it can learn."""
    confusion: Tensor | None = None
    num_features: int
    """Number of input features of the head."""

    class_weights: Tensor | None
    """The weight of each class in training, once it is known: ``balanced`` and names need the data."""

    def __init__(
        self,
        num_classes: int,
        multilabel: bool = False,
        class_weight: ClassWeight | None = None,
        label_smoothing: float = 0.0,
        **options: Any,
    ) -> None:
        if num_classes == 1 and not multilabel:
            raise ZooError("num_classes must be at least 2, or 0 for the features alone, got 1")
        metrics: dict[str, Metric] = {}
        if multilabel:
            metrics["acc"] = BinaryAccuracy(validate_args=False)
        elif num_classes > 1:
            metrics["acc"] = MulticlassAccuracy(num_classes, average="micro", validate_args=False)
        super().__init__(target="binary" if multilabel else "class", metrics=metrics, **options)
        self.num_classes, self.multilabel = num_classes, multilabel
        self.register_buffer("class_weights", None, persistent=False)  # a checkpoint has it elsewhere
        self.class_weight, self.adjusts_loss = class_weight, class_weight is not None or label_smoothing > 0
        if self.adjusts_loss:
            kind: TargetKind = "binary" if multilabel else "class"
            self.weighted_loss = weighted_loss(self.loss_name, self.output, kind, label_smoothing)
        if class_weight is not None:
            if multilabel:
                raise ZooError("class_weight is not for multi-label networks, where an example has no one class")
            check_class_weight(class_weight, num_classes)
            if isinstance(class_weight, list):
                self.weigh_classes()
        if num_classes > 1 and not multilabel:
            self.split_metrics["confusion"] = MulticlassConfusionMatrix(num_classes, validate_args=False)

    def new_head(self, in_features: int) -> nn.Linear | None:
        """Set ``num_features``, and return a linear layer from the features to the classes; None without classes."""
        self.num_features = in_features
        return nn.Linear(in_features, self.num_classes) if self.num_classes else None

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Build the optimizer, as :meth:`Task.configure_optimizers`. Raises ZooError if there are no classes."""
        if not self.num_classes:
            raise ZooError("a network without a head (num_classes 0) cannot be trained; give it a head")
        return super().configure_optimizers()

    def weigh_classes(self, data: Any = None) -> None:
        """Find the weights of the classes; a trainer with data of the zoo does so before a training.

        Args:
            data: The data module, after its ``setup``.

        Raises:
            ZooError: ``class_weight`` does not fit the data.
        """
        if self.class_weight is None:
            return
        names = tuple(map(str, getattr(data, "classes", ()) or self.classes))
        counts = data.class_counts() if self.class_weight == "balanced" else ()
        self._set_class_weights(resolve_class_weight(self.class_weight, self.num_classes, names, counts))

    def _set_class_weights(self, weights: list[float]) -> None:
        like = next(self.parameters(), torch.empty(0))
        self.class_weights = torch.tensor(weights, dtype=like.dtype, device=like.device)

    def setup(self, stage: str) -> None:
        """Take what :meth:`Task.setup` does from the data, and the weights of the classes."""
        super().setup(stage)
        data = getattr(self.trainer, "datamodule", None)
        if stage == "fit" and (self.class_weight != "balanced" or hasattr(data, "class_counts")):
            self.weigh_classes(data)

    def objective(self, loss: Tensor, output: Tensor, target: Tensor) -> Tensor:
        """Return the loss with weights of the classes and smoothed labels.

        Raises:
            ZooError: The weights are not known yet.
        """
        if self.class_weight is not None and self.class_weights is None:
            raise ZooError("the weights of the classes are not known yet; call weigh_classes with the data")
        return self.weighted_loss(output, target, self.class_weights)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Save what :meth:`Task.on_save_checkpoint` does, and the weights of the classes."""
        super().on_save_checkpoint(checkpoint)
        if self.class_weights is not None:
            checkpoint["zoo"]["class_weights"] = self.class_weights.tolist()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Load what :meth:`Task.on_load_checkpoint` does, and the weights of the classes."""
        super().on_load_checkpoint(checkpoint)
        weights = checkpoint.get("zoo", {}).get("class_weights")
        if weights and self.class_weight is not None:
            self._set_class_weights(weights)

    def predicted(self, output: Tensor) -> Tensor:
        """Return probabilities. Those of sigmoid outputs are independent, and need not sum to 1."""
        match self.output:
            case "logits":
                return output.sigmoid() if self.multilabel else output.softmax(-1)
            case "log_probs":
                return output.exp()
        return output

    def predict(self, x: Any) -> Prediction:
        """Predict the classes of one or several inputs, see :meth:`Task.predict`."""
        if not self.num_classes:
            raise ZooError("a network without a head (num_classes 0) predicts no classes; call it to get the features")
        values = super().predict(x).values
        names = self.classes or tuple(map(str, range(self.num_classes)))
        if self.multilabel:
            labels = [tuple(name for name, p in zip(names, row, strict=True) if p > 0.5) for row in values.tolist()]
            return Prediction(labels, values)
        return Prediction([names[index] for index in values.argmax(-1).tolist()], values)

    def update_metrics(self, split: SplitPrefix, losses: Tensor, outputs: Tensor, targets: Tensor) -> None:
        """Update the metrics of a split, and the confusion matrix of the test set.

        Of mixed targets, the class with the largest share counts; if multi-label, those with more than a half.
        """
        if split == "train/" and targets.is_floating_point():
            targets = targets.round() if self.multilabel else targets.argmax(-1)
        super().update_metrics(split, losses, outputs, targets)
        if split == "test/" and not self.multilabel:
            cast(Metric, self.split_metrics["confusion"]).to(outputs.device).update(outputs, targets)

    def on_test_epoch_start(self) -> None:
        """Reset the test metrics."""
        super().on_test_epoch_start()
        if not self.multilabel:
            cast(Metric, self.split_metrics["confusion"]).reset()

    def on_test_epoch_end(self) -> None:
        """Log the test metrics, and compute the confusion matrix."""
        super().on_test_epoch_end()
        if not self.multilabel:
            counts = cast(Metric, self.split_metrics["confusion"]).to(self.device)
            self.confusion = counts.compute().cpu()
