"""What networks share by their task: naming classes, or predicting numbers."""

from zoo.tasks.classifier import Classifier, ClassifierOptions
from zoo.tasks.losses import LossName
from zoo.tasks.regressor import Regressor
from zoo.tasks.task import Prediction, Task, TaskOptions, class_path

__all__ = [
    "Classifier",
    "ClassifierOptions",
    "LossName",
    "Prediction",
    "Regressor",
    "Task",
    "TaskOptions",
    "class_path",
]
