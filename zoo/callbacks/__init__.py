"""Callbacks of a run, in addition to Lightning's."""

from zoo.callbacks.checkpointing import ExactResume
from zoo.callbacks.fast_steps import FastSteps
from zoo.callbacks.finetuning import FrozenBackbone
from zoo.callbacks.progress import ProgressBar
from zoo.callbacks.summary import Summary

__all__ = ["ExactResume", "FastSteps", "FrozenBackbone", "ProgressBar", "Summary"]
