"""The options of the closing report, of ``zoo fit`` and ``zoo test``."""

from __future__ import annotations

from typing import Literal

from jsonargparse import ArgumentParser


def add_report_options(parser: ArgumentParser) -> None:
    """Add the options of the report."""
    parser.add_argument(
        "--metrics",
        type=Literal["test", "all"],
        default="test",
        help="which splits the report measures in full: the test set alone, or all of them",
    )
    parser.add_argument(
        "--baselines",
        type=bool,
        default=True,
        help="compare with the majority class and with a regression, or the mean",
    )
