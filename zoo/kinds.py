"""The kinds of inputs, outputs and targets: what networks, data sets and transforms agree on."""

from __future__ import annotations

from typing import Literal

InputKind = Literal["image", "table", "text"]
"""What a network takes, and a data set gives: ``image`` (channels, rows, columns), ``table`` (rows of numbers),
``text`` (token ids)."""

OutputKind = Literal["sigmoid", "logits", "log_probs", "values"]
"""What a network puts out: ``sigmoid`` (numbers in 0 to 1, each on its own), ``logits`` (any numbers, before a softmax
or sigmoid), ``log_probs`` (after a log-softmax), ``values`` (the numbers of a regression)."""

TargetKind = Literal["class", "binary", "value"]
"""What it is compared with: ``class`` (one of several that exclude each other), ``binary`` (each output is a yes or a
no), ``value`` (numbers)."""

Split = Literal["train", "val", "test"]
"""A part of a data set."""
