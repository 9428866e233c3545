"""What a run needs beside Lightning's own callbacks."""

from zoo.callbacks.last import LastCheckpoint
from zoo.callbacks.progress import ProgressBar

__all__ = ["LastCheckpoint", "ProgressBar"]
