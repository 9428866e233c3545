"""Networks for classification."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torchmetrics import Metric
from torchmetrics.classification import BinaryAccuracy, MulticlassAccuracy, MulticlassConfusionMatrix

from zoo.errors import ZooError
from zoo.kinds import TargetKind
from zoo.tasks.metrics import SplitPrefix
from zoo.tasks.prediction import Prediction
from zoo.tasks.task import Task


class Classifier(Task):
    """A network for classification: single-label (one of several classes) or multi-label (yes or no for each class).

    ``forward`` returns one output per class, shape ``(batch, num_classes)``; without classes it returns the features,
    and there is nothing to train. Targets are class indices, shape ``(batch,)``; if multi-label, 0 or 1 for each class,
    with the shape of the output. Records ``acc``, the fraction of correctly classified examples; if multi-label, of
    correct labels. After a single-label test, ``confusion`` is the confusion matrix, shape ``(true class, predicted
    class)``.

    Args:
        num_classes: Number of classes; 0 for the features alone.
        multilabel: Whether an example can belong to any number of classes, rather than to exactly one.
        **options: See :class:`Task`.
    """

    targets: ClassVar[tuple[TargetKind, ...]] = ("class", "binary")
    """Kinds of targets that it can learn."""
    confusion: Tensor | None = None
    num_features: int
    """Number of input features of the head."""

    def __init__(self, num_classes: int, multilabel: bool = False, **options: Any) -> None:
        if num_classes == 1 and not multilabel:
            raise ZooError("num_classes must be at least 2, or 0 for the features alone, got 1")
        metrics: dict[str, Metric] = {}
        if multilabel:
            metrics["acc"] = BinaryAccuracy(validate_args=False)
        elif num_classes > 1:
            metrics["acc"] = MulticlassAccuracy(num_classes, average="micro", validate_args=False)
        super().__init__(target="binary" if multilabel else "class", metrics=metrics, **options)
        self.num_classes, self.multilabel = num_classes, multilabel
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
        """Update the metrics of a split, and the confusion matrix of the test set."""
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
