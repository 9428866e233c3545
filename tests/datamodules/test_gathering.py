"""Batches of examples in memory, of which one call gathers several."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

import zoo
from zoo.datamodules.common.examples import Examples, Gathered, identity
from zoo.datamodules.common.loading import ALIGNMENT, ResumableLoader
from zoo.datamodules.common.sampling import EpochSampler
from zoo.tasks.task import Task


def loader_of(x: Tensor, batch_size: int, start: int = 0) -> ResumableLoader:
    examples = Examples(x, torch.arange(len(x)))
    sampler = EpochSampler(examples, batch_size=batch_size, rank=0, ranks=1, shuffle=True, seed=0)
    loader = ResumableLoader(Gathered(examples), batch_size=batch_size, sampler=sampler, collate_fn=identity)
    loader.load_state_dict({"epoch": 0, "batches": start})
    return loader


@pytest.mark.parametrize("batch_size", [1, 7, 16, 64])
@pytest.mark.parametrize("shape", [(3, 28, 28), (5,), (16,), (60_000,)])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_they_are_those_that_are_gathered_one_by_one(
    batch_size: int, shape: tuple[int, ...], dtype: torch.dtype
) -> None:
    x = torch.randint(0, 256, (1000 if math.prod(shape) < 10_000 else 130, *shape)).to(dtype)
    loader = loader_of(x, batch_size)
    batches = list(loader)
    assert [len(y) for _, y in batches[:-1]] == [batch_size] * (len(batches) - 1)
    order = torch.cat([y for _, y in batches])
    assert sorted(order.tolist()) == [*range(len(x))]
    for found, y in batches:
        assert torch.equal(found, x[y])
        if dtype == torch.float32:
            assert found.data_ptr() % ALIGNMENT == 0  # on which the last bit of a product can depend
    rest = list(loader_of(x, batch_size, start=2))
    assert torch.equal(torch.cat([y for _, y in rest]), order[2 * batch_size :])


def test_a_checkpoint_holds_no_more_than_the_batches_in_it() -> None:
    data = zoo.create_datamodule("arrays", x_train=torch.rand(640, 4), y_train=torch.arange(640) % 3, batch_size=64)
    data.setup()
    model = zoo.create_model("fcnet", data=data)
    assert isinstance(model, Task)
    for x, y in data.train_dataloader():
        model.record("train/", torch.zeros(()), model(x), y)
    checkpoint: dict[str, list[dict[str, list[list[Tensor]]]]] = {}
    model.on_save_checkpoint(checkpoint)
    for batch in checkpoint["measured"][0]["batches"]:
        assert [part.untyped_storage().nbytes() for part in batch] == [part.nbytes for part in batch]
