"""Transforms of texts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from zoo.errors import ZooError
from zoo.kinds import InputKind
from zoo.transforms.base import Transform

if TYPE_CHECKING:
    from tokenizers import Tokenizer

LONGEST = 1_000_000
"""Largest number of characters of a text: to tokenize more would take minutes."""


@dataclass(frozen=True)
class Text(Transform):
    """Converts a text to token ids.

    Input: integers, shape ``(words,)``.

    Args:
        tokenizer: A tokenizer of Hugging Face's ``tokenizers``, as JSON.
    """

    tokenizer: str
    takes: ClassVar[InputKind] = "text"

    def read(self, source: str) -> str:
        """Return the text itself."""
        return source

    def __call__(self, value: str) -> Tensor:
        """Return the input. Raises ZooError if the value is not a string or has no words."""
        if not isinstance(value, str):
            raise ZooError(f"expected a text, got {type(value).__name__}")
        if len(value) > LONGEST:
            raise ZooError(f"the text has {len(value):,} characters, expected at most {LONGEST:,}; shorten it")
        try:
            value.encode()
        except UnicodeEncodeError:  # surrogates, from bytes that are not UTF-8
            raise ZooError("the text is not UTF-8") from None
        ids = self._tokenizer.encode(value).ids
        if not ids:
            raise ZooError("the text is empty: it has no words")
        return torch.tensor(ids)

    def vocabulary_size(self) -> int:
        """Return the number of token ids. Raises ZooError if the tokenizer is invalid."""
        return max(self._tokenizer.get_vocab().values(), default=-1) + 1

    def as_text(self, x: Tensor) -> str:
        """Return the words of an input: those that the vocabulary has not are ``[UNK]``."""
        return self._tokenizer.decode(x[x > 0].tolist(), skip_special_tokens=False)

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        from tokenizers import Tokenizer

        try:
            return Tokenizer.from_str(self.tokenizer)
        except Exception as error:  # tokenizers raises nothing more specific
            raise ZooError(f"the transform Text expects the JSON of a tokenizer: {str(error)[:80]}") from None
