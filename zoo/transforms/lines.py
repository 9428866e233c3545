"""From rows of numbers, and from texts, to inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from zoo.errors import ZooError
from zoo.kinds import InputKind
from zoo.transforms.base import Transform

if TYPE_CHECKING:
    from tokenizers import Tokenizer

LONGEST = 1_000_000
"""Characters of a text: to find the words of more would take minutes."""


@dataclass(frozen=True)
class Row(Transform):
    """Takes rows of numbers, as sequences, or as text with commas between them.

    Input: floats, shape ``(features,)``.

    Args:
        features: How many numbers a row has.
    """

    features: int
    takes: ClassVar[InputKind] = "table"

    def read(self, source: str) -> list[float]:
        """Read a row such as ``0.5,1``."""
        try:
            return [float(number) for number in source.split(",")]
        except ValueError:
            raise ZooError(f"{source!r} is no row of numbers with commas between them, and no file") from None

    def is_one(self, value: Any) -> bool:
        """Whether this is one row of numbers."""
        return super().is_one(value) or _is_row(value)

    def __call__(self, value: Sequence[float] | np.ndarray[Any, Any]) -> Tensor:
        """Return the input. Raises ZooError for another length, or numbers that are not finite."""
        if not _is_row(value):
            raise ZooError(f"a row is a sequence of numbers, not {str(value)[:40]!r}")
        try:
            numbers = [float(number) for number in value]
        except OverflowError:
            raise ZooError(f"{str(value)[:40]!r} holds a number that is too large") from None
        told = ",".join(f"{number:g}" for number in numbers)
        if len(numbers) != self.features:
            raise ZooError(f"{told!r} has {len(numbers)} numbers, expected {self.features}")
        row = torch.tensor(numbers)
        if not row.isfinite().all():
            raise ZooError(f"{told!r} holds a number that is not finite in single precision")
        return row


def _is_row(value: Any) -> bool:
    """Whether this is a sequence of numbers: Python's, numpy's or torch's."""
    if isinstance(value, str) or not (isinstance(value, Sequence) or (isinstance(value, np.ndarray) and value.ndim)):
        return False
    return len(value) > 0 and all(
        isinstance(n, Real | np.bool_) or (isinstance(n, Tensor) and not n.dim()) for n in value
    )


@dataclass(frozen=True)
class Text(Transform):
    """Turns a text into token ids.

    Input: integers, shape ``(words,)``.

    Args:
        tokenizer: The JSON of a tokenizer of Hugging Face's ``tokenizers``.
    """

    tokenizer: str
    takes: ClassVar[InputKind] = "text"

    def read(self, source: str) -> str:
        """Return the text itself."""
        return source

    def __call__(self, value: str) -> Tensor:
        """Return the input. Raises ZooError for what is no text, or has no words."""
        if not isinstance(value, str):
            raise ZooError(f"a text is a string, not a {type(value).__name__}")
        if len(value) > LONGEST:
            raise ZooError(f"the text has {len(value):,} characters, more than {LONGEST:,}; shorten it")
        try:
            ids = self._tokenizer.encode(value).ids
        except TypeError:  # of half characters, which bytes of another character set become
            raise ZooError("the text is not UTF-8") from None
        if not ids:
            raise ZooError("the text is empty: it has no words")
        return torch.tensor(ids)

    def vocabulary_size(self) -> int:
        """Return how many ids there are. Raises ZooError if the tokenizer is none."""
        return max(self._tokenizer.get_vocab().values(), default=-1) + 1

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        from tokenizers import Tokenizer

        try:
            return Tokenizer.from_str(self.tokenizer)
        except Exception as error:  # which is all that its language knows of
            raise ZooError(f"the transform Text takes the JSON of a tokenizer, got {str(error)[:80]}") from None
