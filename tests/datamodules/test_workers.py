"""Errors in the processes that load batches."""

from __future__ import annotations

import pytest
import torch

from zoo.datamodules.common import DataUnavailableError
from zoo.datamodules.common.examples import Examples, Gathered, identity
from zoo.datamodules.common.loading import ResumableLoader


class Damaged(Examples):
    """Two examples, of which the second is not on disk."""

    def batch(self, indices: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
        if 1 in indices:
            raise DataUnavailableError("zoo.errors.ZooError: the file: 2\n is missing")
        return super().batch(indices)


@pytest.mark.parametrize("workers", [0, 1])
def test_an_error_in_a_worker_is_the_error_itself(workers: int) -> None:
    examples = Damaged(torch.zeros(2, 3), torch.zeros(2))
    loader = iter(ResumableLoader(Gathered(examples), collate_fn=identity, num_workers=workers))
    assert len(next(loader)[0]) == 1
    with pytest.raises(DataUnavailableError) as raised:
        next(loader)
    assert str(raised.value) == "zoo.errors.ZooError: the file: 2\n is missing"
