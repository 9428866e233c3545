"""Networks that name classes."""

from __future__ import annotations

from typing import Any, cast

from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torchmetrics import Metric
from torchmetrics.classification import BinaryAccuracy, MulticlassAccuracy, MulticlassConfusionMatrix

from zoo.errors import ZooError
from zoo.tasks.metrics import SplitPrefix
from zoo.tasks.task import Prediction, Task, TaskOptions


class ClassifierOptions(TaskOptions, total=False):
    """The options that every classifier takes beside its own, for editors and type checkers."""

    multilabel: bool


class Classifier(Task):
    """A network that tells which of several classes an example belongs to, or, multi-label, each class's yes or no.

    ``forward`` gives one output a class, shape ``(batch, num_classes)``; without classes it gives the features, and
    there is nothing to train. Targets are class indices, shape ``(batch,)``, or, multi-label, 0 or 1 for each class, of
    the output's shape. Measures ``acc``: the share of examples whose largest output is the right one, or, multi-label,
    of right answers. After a test of single labels, ``confusion`` holds the counts, shape ``(true class, predicted
    class)``.

    Args:
        num_classes: Number of classes.
        multilabel: Whether each class is a yes or no of its own, rather than one of several.
        **options: See :class:`Task`.
    """

    confusion: Tensor | None = None
    num_features: int
    """Size of the features that the head sees."""

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
        """Note the size of the features, and return a linear layer from them to the classes; None without classes."""
        self.num_features = in_features
        return nn.Linear(in_features, self.num_classes) if self.num_classes else None

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Build the optimizer, as :class:`Task` does. Raises ZooError without classes."""
        if not self.num_classes:
            raise ZooError("a network without a head (num_classes 0) cannot be trained on its own; put one on it")
        return super().configure_optimizers()

    def predicted(self, output: Tensor) -> Tensor:
        """Return probabilities; those of sigmoid outputs are each on their own, and need not add up to 1."""
        match self.output:
            case "logits":
                return output.sigmoid() if self.multilabel else output.softmax(-1)
            case "log_probs":
                return output.exp()
        return output

    def predict(self, x: Any) -> Prediction:
        """Name the classes of one or several inputs, as :meth:`Task.predict`."""
        if not self.num_classes:
            raise ZooError("a network without a head (num_classes 0) knows no classes; call it for its features")
        values = super().predict(x).values
        names = self.classes or tuple(map(str, range(self.num_classes)))
        if self.multilabel:
            yeses = [tuple(name for name, p in zip(names, row, strict=True) if p > 0.5) for row in values.tolist()]
            return Prediction(yeses, values)
        return Prediction([names[index] for index in values.argmax(-1).tolist()], values)

    def update_metrics(self, split: SplitPrefix, losses: Tensor, outputs: Tensor, targets: Tensor) -> None:
        """Update a split's metrics, and, of the test set, who was taken for whom."""
        super().update_metrics(split, losses, outputs, targets)
        if split == "test/" and not self.multilabel:
            cast(Metric, self.split_metrics["confusion"]).to(outputs.device).update(outputs, targets)

    def on_test_epoch_start(self) -> None:
        """Begin the test set's metrics."""
        super().on_test_epoch_start()
        if not self.multilabel:
            cast(Metric, self.split_metrics["confusion"]).reset()

    def on_test_epoch_end(self) -> None:
        """Log the test set's metrics and keep the confusion matrix."""
        super().on_test_epoch_end()
        if not self.multilabel:
            counts = cast(Metric, self.split_metrics["confusion"]).to(self.device)
            self.confusion = counts.compute().cpu()
