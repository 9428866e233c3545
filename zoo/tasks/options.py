"""Options that networks share, for editors and type checkers; :class:`Task` and :class:`Classifier` describe them."""

from __future__ import annotations

from typing import Any, TypedDict

from zoo.tasks.class_weights import ClassWeight


class TaskOptions(TypedDict, total=False):
    """Options that every network accepts in addition to its own; see :class:`zoo.tasks.Task`."""

    optimizer_args: dict[str, Any] | None
    lr_scheduler: str | None
    lr_scheduler_args: dict[str, Any] | None
    warmup_steps: int
    l1: float
    l2: float


class ClassifierOptions(TaskOptions, total=False):
    """Options that every classifier accepts in addition to its own; see :class:`zoo.tasks.Classifier`."""

    multilabel: bool
    class_weight: ClassWeight | None
    label_smoothing: float
