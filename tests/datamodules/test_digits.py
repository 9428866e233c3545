"""The embedded digits."""

from __future__ import annotations

import pytest
import torch

import zoo


@pytest.mark.parametrize(("size", "channels"), [(28, 1), (32, 1), (32, 3), (16, 1)])
def test_digits_take_the_shape_that_is_asked_for(size: int, channels: int) -> None:
    data = zoo.create_datamodule("digits", image_size=size, channels=channels)
    data.setup()
    assert [len(data.splits[split]) for split in ("train", "val", "test")] == [1257, 180, 360]
    x, y = data.splits["train"].tensors
    assert x.shape[1:] == data.shape == (channels, size, size)
    assert x.dtype == torch.uint8
    assert int(x.max()) > 250
    assert int(x[..., 0, :].max()) == 0  # a margin, as in MNIST
    assert set(y.tolist()) == set(range(10))


@pytest.mark.parametrize("arguments", [{"image_size": 15}, {"channels": 0}])
def test_digits_of_no_size_are_refused(arguments: dict[str, int]) -> None:
    with pytest.raises(zoo.ZooError, match="must be at least"):
        zoo.create_datamodule("digits", **arguments)
