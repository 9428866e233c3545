"""Augmentation."""

from __future__ import annotations

import pytest
import torch
from lightning.pytorch import Trainer
from lightning.pytorch.trainer.states import TrainerStatus
from torch import Tensor

import zoo
from zoo.datamodules.common.images import crop_and_flip, small_affine


@pytest.mark.parametrize("vary", [crop_and_flip, small_affine])
def test_augmentation_varies_each_image_on_its_own_and_keeps_the_rest(vary: object) -> None:
    torch.manual_seed(0)
    x = torch.zeros(64, 1, 28, 28)
    x[:, :, 8:20, 10:14] = 1
    varied: Tensor = vary(x, torch.rand(64, 4))  # type: ignore[operator]
    assert varied.shape == x.shape
    assert len({bytes(image.mul(255).byte().flatten().tolist()) for image in varied}) > 20
    assert 0.8 < float(varied.sum() / x.sum()) < 1.2  # what moves in is dark; little moves out


def test_augmentation_is_for_training_alone() -> None:
    data = zoo.create_datamodule("digits", augment=True)
    data.setup()
    data.trainer = Trainer(logger=False, accelerator="cpu")
    batch = data.splits["train"].batch([0, 1, 2])
    data.trainer.testing = True
    assert torch.equal(data.on_after_batch_transfer(batch, 0)[0], data.scale(batch[0]))
    data.trainer.training = True
    assert not torch.equal(data.on_after_batch_transfer(batch, 0)[0], data.scale(batch[0]))


def test_a_picture_is_varied_by_its_place_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """On two ranks each image gets what it would get on one."""
    data = zoo.create_datamodule("digits", augment=True, seed=3)
    data.trainer = Trainer(logger=False, accelerator="cpu")
    data.trainer.state.status = TrainerStatus.RUNNING
    alone = data._random_numbers(6, 1, 2)
    ranks = []
    for rank in range(2):
        monkeypatch.setattr(Trainer, "global_rank", rank)
        monkeypatch.setattr(Trainer, "world_size", 2)
        ranks.append(data._random_numbers(3, 1, 2))
    assert torch.equal(torch.stack(ranks, dim=1).flatten(0, 1), alone)
