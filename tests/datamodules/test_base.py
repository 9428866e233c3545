"""What data modules share: splits, batches, the order of examples."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from conftest import TEST, TRAIN
from data_files import SMALL
from lightning.pytorch import Trainer
from lightning.pytorch.trainer.states import TrainerState, TrainerStatus

import zoo
from zoo.datamodules.common.examples import Examples
from zoo.datamodules.common.sampling import EpochSampler


def test_the_validation_part_is_held_out_once_for_all_seeds(shared_root: Path) -> None:
    parts = []
    for seed in (0, 1):
        data = zoo.create_datamodule("mnist", root=str(shared_root), seed=seed, **SMALL)
        data.setup()
        assert [len(data.splits[split]) for split in ("train", "val", "test")] == [TRAIN - 51, 51, TEST]
        parts.append(data.splits["val"].tensors[0])
        everything = torch.cat([data.splits["train"].tensors[0], data.splits["val"].tensors[0]])
        whole, _ = data.load(train=True)
        assert sorted(map(hash, map(bytes, everything.flatten(1).tolist()))) == sorted(
            map(hash, map(bytes, whole.flatten(1).tolist()))
        )
    assert torch.equal(*parts)


def test_val_size_0_trains_on_everything_and_validates_on_the_test_set(shared_root: Path) -> None:
    data = zoo.create_datamodule("mnist", root=str(shared_root), val_size=0)
    data.setup()
    assert len(data.splits["train"]) == TRAIN
    assert data.splits["val"] is data.splits["test"]


@pytest.mark.parametrize("name", zoo.list_datamodules())
def test_val_size_is_a_number_or_a_share_for_every_data_set(name: str) -> None:
    data = zoo.create_datamodule(name, val_size=0.25)
    assert data.hparams["val_size"] == 0.25
    order, held_out = data.split(100)
    assert (len(order), len(held_out)) == (75, 25)
    assert torch.equal(held_out, zoo.create_datamodule(name, val_size=25).split(100)[1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
        ({"batch_size": -3}, "batch_size must be at least 1, got -3"),
        ({"val_size": -1}, "val_size must be at least 0"),
        ({"val_size": 1.0}, "below 1 if it is a fraction, got 1.0"),
        ({"val_size": float("nan")}, "below 1 if it is a fraction, got nan"),
        ({"val_size": 0.001}, f"val_size 0.001 of {TRAIN} examples is less than one"),
        ({"val_size": 0.999}, "leaves nothing to train on"),
        ({"val_size": TRAIN}, f"val_size {TRAIN} leaves nothing to train on: the training set has {TRAIN} examples"),
    ],
)
def test_sizes_that_make_no_sense(arguments: dict[str, int], message: str, shared_root: Path) -> None:
    with pytest.raises(zoo.ZooError, match=message):
        zoo.create_datamodule("mnist", root=str(shared_root), **arguments).setup()


def test_a_batch_is_bytes_gathered_and_floats_on_the_device(shared_root: Path) -> None:
    data = zoo.create_datamodule("mnist", root=str(shared_root), **SMALL)
    data.setup()
    data.trainer = Trainer(logger=False, accelerator="cpu")
    data.trainer.state.status = TrainerStatus.RUNNING
    x, y = next(iter(data.train_dataloader()))
    assert x.dtype == torch.uint8
    assert y.dtype == torch.int64
    scaled, same = data.on_after_batch_transfer((x, y), 0)
    assert scaled.dtype == torch.float32
    assert torch.equal(scaled, x.float() / 255)
    assert same is y
    data.trainer = Trainer(logger=False, accelerator="cpu", precision="64-true")
    assert data.on_after_batch_transfer((x, y), 0)[0].dtype == torch.float64


def test_the_last_smaller_batch_is_kept_and_every_example_seen_once(shared_root: Path) -> None:
    data = zoo.create_datamodule("mnist", root=str(shared_root), **SMALL)
    data.setup()
    sizes = [len(y) for _, y in data.train_dataloader()]
    assert sizes == [16] * 15 + [10]


def test_gathering_equals_indexing() -> None:
    x, y = torch.arange(40).reshape(10, 4), torch.arange(10)
    chosen = [7, 1, 1, 9]
    for got, expected in zip(Examples(x, y).batch(chosen), (x[chosen], y[chosen]), strict=True):
        assert torch.equal(got, expected)


def sampler(n: int, rank: int = 0, ranks: int = 1, shuffle: bool = True, seed: int = 0) -> EpochSampler:
    return EpochSampler(
        Examples(torch.arange(n), torch.arange(n)), batch_size=8, ranks=ranks, rank=rank, shuffle=shuffle, seed=seed
    )


def test_the_order_is_a_function_of_seed_and_epoch() -> None:
    def order(seed: int, epoch: int) -> list[int]:
        one = sampler(50, seed=seed)
        one.set_epoch(epoch)
        torch.manual_seed(torch.seed() % 1000)  # whatever the global state
        return list(one)

    assert order(0, 0) == order(0, 0)
    assert len({tuple(order(seed, epoch)) for seed in range(3) for epoch in range(3)}) == 9
    assert sorted(order(1, 2)) == list(range(50))


@pytest.mark.parametrize("ranks", [2, 3, 4])
def test_ranks_share_the_batch_that_one_process_would_see(ranks: int) -> None:
    n, batch = 50, 12
    whole = list(sampler(n))
    shares = [list(sampler(n, rank, ranks)) for rank in range(ranks)]
    assert (
        [len(sampler(n, rank, ranks)) for rank in range(ranks)]
        == [len(share) for share in shares]
        == [n // ranks] * ranks
    )
    for start in range(0, n - batch, batch):
        part = slice(start // ranks, (start + batch) // ranks)
        assert sorted(i for share in shares for i in share[part]) == sorted(whole[start : start + batch])


@pytest.mark.parametrize("ranks", [1, 2, 3, 4])
def test_evaluation_sees_every_example_once_on_any_number_of_ranks(ranks: int) -> None:
    shares = [sampler(101, rank, ranks, shuffle=False) for rank in range(ranks)]
    assert sorted(i for share in shares for i in share) == list(range(101))
    assert [len(share) for share in shares] == [len(list(share)) for share in shares]


@pytest.mark.parametrize(
    ("batch_size", "message"),
    [(15, "batch_size 15 is not divisible by the number of processes, 2"), (16, "1 examples, fewer than the 2")],
)
def test_what_ranks_cannot_share_is_refused(batch_size: int, message: str, shared_root: Path) -> None:
    class TwoRanks:
        global_rank, world_size = 0, 2
        state = TrainerState(status=TrainerStatus.RUNNING)

    data = zoo.create_datamodule("mnist", root=str(shared_root), batch_size=batch_size, val_size=1)
    data.setup()
    data.trainer = TwoRanks()  # type: ignore[assignment]
    with pytest.raises(zoo.ZooError, match=message):
        data.val_dataloader()


def test_another_test_split_leaves_the_data_module_as_it_was(shared_root: Path) -> None:
    data = zoo.create_datamodule("mnist", root=str(shared_root), **SMALL)
    data.setup()
    assert len(data.with_test_split("val").test_dataloader().dataset) == 51
    assert len(data.test_dataloader().dataset) == TEST
