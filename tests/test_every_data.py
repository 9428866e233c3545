"""What holds for every data set of the registry."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from every_data import arguments_of_data, small_data
from running import check_resumes
from stand_ins import quiet_trainer

import zoo
from zoo.callbacks import ExactResume
from zoo.factory import model_class
from zoo.tasks.compatibility import fits

pytestmark = pytest.mark.parametrize("name", zoo.list_datamodules())


def test_what_goes_to_workers_can_be_pickled(name: str, tmp_path: Path) -> None:
    loader = small_data(name, arguments_of_data(name, tmp_path)).train_dataloader()
    dataset, collate, sampler = pickle.loads(pickle.dumps((loader.dataset, loader.collate_fn, loader.sampler)))
    chosen = list(sampler)[:3]
    assert chosen == list(loader.sampler)[:3]
    there, here = collate(dataset.__getitems__(chosen)), loader.dataset.__getitems__(chosen)
    assert all(map(torch.equal, there, here))
    assert all(map(torch.equal, dataset[0], loader.dataset[0]))  # scaled


def test_two_ranks_share_the_batches_and_the_evaluation_of_one(name: str, tmp_path: Path) -> None:
    data = small_data(name, arguments_of_data(name, tmp_path), **({} if name != "xor" else {"batch_size": 2}))
    for split, examples in data.splits.items():
        for shuffle in (False, True):
            whole, *shared = (
                list(data.sampler(examples, batch_size=8, rank=rank, ranks=ranks, shuffle=shuffle, seed=1))
                for rank, ranks in ((0, 1), (0, 2), (1, 2))
            )
            together = [index for pair in zip(*shared, strict=False) for index in pair]
            assert together == whole[: len(together)]
            missed = len(whole) - sum(map(len, shared))
            assert missed == (len(whole) % 2 if shuffle else 0), split


def test_a_run_resumes_to_the_bit(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").mkdir()
    arguments = arguments_of_data(name, tmp_path / "data")
    probe = small_data(name, arguments, seed=4)
    network = next(model for model in zoo.list_models() if fits(model_class(model), probe))

    def fit(**options: Any) -> dict[str, torch.Tensor]:
        data = small_data(name, arguments, seed=4)
        torch.manual_seed(0)
        model = zoo.create_model(network, data=data, **({"loss": "bce"} if data.target == "binary" else {}))
        last = ExactResume("last.ckpt", every_n_steps=1)
        short = {"max_epochs": 2, "limit_train_batches": 4, "limit_val_batches": 1, "gradient_clip_val": 1.0}
        quiet_trainer(callbacks=[last], enable_checkpointing=True, **short).fit(model, data, **options)
        return model.state_dict()

    check_resumes(fit, 3, monkeypatch)
