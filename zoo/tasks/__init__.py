"""Base classes of networks by task: classification and regression."""

from zoo.support.signatures import class_path
from zoo.tasks.classifier import Classifier
from zoo.tasks.losses import LossName
from zoo.tasks.options import ClassifierOptions, TaskOptions
from zoo.tasks.prediction import Prediction
from zoo.tasks.regressor import Regressor
from zoo.tasks.task import Task

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
