"""What a run needs beside Lightning's own callbacks."""

from zoo.callbacks.exact_resume import ExactResume
from zoo.callbacks.progress import ProgressBar
from zoo.callbacks.summary import Summary

__all__ = ["ExactResume", "ProgressBar", "Summary"]
