"""Kinds of inputs, outputs and targets, shared by networks, data sets and transforms."""

from __future__ import annotations

from typing import Literal

InputKind = Literal["image", "table", "text"]
"""Inputs of a network: ``image`` (channels, rows, columns), ``table`` (rows of numbers),
``text`` (token ids)."""

OutputKind = Literal["sigmoid", "logits", "log_probs", "values"]
"""Outputs of a network: ``sigmoid`` (independent numbers in 0 to 1), ``logits`` (unbounded, before a softmax
or sigmoid), ``log_probs`` (after a log-softmax), ``values`` (the numbers of a regression)."""

TargetKind = Literal["class", "binary", "value"]
"""Targets: ``class`` (one of several mutually exclusive classes), ``binary`` (yes or no for each
output), ``value`` (numbers)."""

Residence = Literal["auto"] | bool
"""Whether a data set is on the GPU: ``auto`` if there is room."""

Split = Literal["train", "val", "test"]
"""A part of a data set."""
