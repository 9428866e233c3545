"""Digits on paper that is unevenly lit, in shadow, or ruled: drawn here, as a camera would see them."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

import zoo
from zoo.transforms import Digit

ROWS, COLUMNS = 240, 320
DOWN, RIGHT = np.mgrid[0:1:240j, 0:1:320j]
WHITE = 0.93


def ruled(distance: int, darkness: float, slope: float = 0.0, upright: bool = False) -> Any:
    paper = np.full((ROWS, COLUMNS), WHITE)
    down, right = np.mgrid[0:ROWS, 0:COLUMNS]
    paper[(down + slope * right) % distance < 2] = WHITE - darkness
    if upright:
        paper[right % distance < 2] = WHITE - darkness
    return paper


PAPERS = {
    "brighter to the right": 0.35 + 0.6 * (0.7 * RIGHT + 0.3 * DOWN),
    "dark corner": 0.95 - 0.65 * np.exp(-(RIGHT**2 + DOWN**2) / 0.3),
    "dark borders": 0.95 - 0.9 * ((RIGHT - 0.5) ** 2 + (DOWN - 0.5) ** 2),
    "shadow": np.where(RIGHT + 0.3 * DOWN < 0.45, 0.5, WHITE),
    "soft shadow": 0.5 + 0.43 / (1 + np.exp(-18 * (RIGHT + 0.3 * DOWN - 0.5))),
    "ruled": ruled(34, 0.3),
    "ruled, held slantwise": ruled(34, 0.3, slope=0.035),
    "squared": ruled(27, 0.23, upright=True),
    "ruled, brighter to the right": ruled(34, 0.3) * (0.4 + 0.6 * RIGHT),
}


def photo(digit: torch.Tensor, paper: Any, pen: float, seed: int) -> Image.Image:
    """A digit, 130 pixels high, somewhere on the paper, and the noise of a camera."""
    random = np.random.default_rng(seed)
    ink = np.zeros((ROWS, COLUMNS))
    top, left = random.integers(25, ROWS - 155), random.integers(25, COLUMNS - 155)
    ink[top : top + 130, left : left + 130] = np.asarray(Image.fromarray(digit.numpy()).resize((130, 130))) / 255
    seen = paper * (1 - pen * ink) + random.normal(0, 0.02, ink.shape)
    return Image.fromarray((seen.clip(0, 1) * 255).astype(np.uint8))


@pytest.mark.parametrize("pen", [0.8, 0.6], ids=["dark pen", "pencil"])
@pytest.mark.parametrize("name", PAPERS)
def test_a_digit_is_read_off_any_paper_as_off_white_paper(name: str, pen: float) -> None:
    data = zoo.create_datamodule("digits")
    data.setup()
    x, _ = data.splits["test"].batch(list(range(10)))
    white = np.full((ROWS, COLUMNS), WHITE)
    alike = []
    for seed, digit in enumerate(x[:, 0]):
        on_white, on_paper = (Digit()(photo(digit, paper, pen, seed)).flatten() for paper in (white, PAPERS[name]))
        alike.append(float(torch.nn.functional.cosine_similarity(on_white, on_paper, dim=0)))
    assert sum(alike) / len(alike) > 0.85
    assert min(alike) > 0.7


def test_chalk_on_an_unevenly_lit_board_is_read_too() -> None:
    data = zoo.create_datamodule("digits")
    data.setup()
    x, _ = data.splits["test"].batch(list(range(10)))
    for seed, digit in enumerate(x[:, 0]):
        lit, white = PAPERS["brighter to the right"], np.full((ROWS, COLUMNS), WHITE)
        chalk = ImageOps.invert(photo(digit, lit, 0.8, seed))
        expected = Digit()(photo(digit, white, 0.8, seed))
        assert torch.nn.functional.cosine_similarity(Digit()(chalk).flatten(), expected.flatten(), dim=0) > 0.85


@pytest.mark.parametrize("name", PAPERS)
def test_paper_with_nothing_on_it_shows_nothing_or_an_edge_of_a_shadow(name: str) -> None:
    with contextlib.suppress(zoo.ZooError):
        empty = Digit()(photo(torch.zeros(28, 28, dtype=torch.uint8), PAPERS[name], 0.8, 0))
        assert empty.isfinite().all()
        assert empty.shape == (1, 28, 28)
