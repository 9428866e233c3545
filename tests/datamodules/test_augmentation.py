"""Augmentation."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from conftest import Command
from lightning.pytorch import Trainer
from lightning.pytorch.trainer.states import TrainerStatus
from running import LAST, load
from torch import Tensor

import zoo
from zoo.datamodules.common.augmentation import MixName, PolicyName, apply_policy, mix
from zoo.datamodules.common.examples import Examples
from zoo.datamodules.common.images import crop_and_flip, small_affine
from zoo.datamodules.common.sampling import PairSampler


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


@pytest.mark.parametrize("policy", ["RandAugment", "TrivialAugmentWide", "AutoAugment"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_policy_varies_each_picture_by_its_own_numbers_alone(policy: PolicyName, channels: int) -> None:
    x = torch.randint(256, (64, channels, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    random = torch.rand(64, 4, generator=torch.Generator().manual_seed(1))
    before = torch.get_rng_state()
    varied = apply_policy(policy, x, random)
    assert torch.equal(torch.get_rng_state(), before)  # dropout is as without
    assert (varied.dtype, varied.shape) == (x.dtype, x.shape)
    assert sum(not torch.equal(a, b) for a, b in zip(varied, x, strict=True)) > 20
    torch.manual_seed(5)  # whatever was drawn before
    chosen = torch.tensor([11, 3, 7])
    assert torch.equal(apply_policy(policy, x[chosen], random[chosen]), varied[chosen])
    assert not torch.equal(apply_policy(policy, x, random.flip(0)), varied)


@pytest.mark.parametrize("name", ["MixUp", "CutMix"])
def test_targets_are_mixed_by_the_share_of_each_picture(name: MixName) -> None:
    dark, light = torch.zeros(200, 3, 30, 40), torch.ones(200, 3, 30, 40)
    zeros, ones = torch.zeros(200, dtype=torch.int64), torch.ones(200, dtype=torch.int64)
    random = torch.rand(200, 4, generator=torch.Generator().manual_seed(1))
    x, y = mix(name, (dark, zeros), (light, ones), 3, random)
    assert (x.shape, y.shape) == (dark.shape, (200, 3))
    torch.testing.assert_close(y[:, 1], x.mean((1, 2, 3)))
    torch.testing.assert_close(y.sum(1), torch.ones(200))
    assert y[:, 1].std() > 0.1
    assert (set(x.unique().tolist()) == {0, 1}) == (name == "CutMix")
    again = mix(name, (dark[:5], zeros[:5]), (light[:5], ones[:5]), 3, random[40:45])
    assert torch.equal(again[0], x[40:45])
    assert torch.equal(again[1], y[40:45])
    both = torch.tensor([[1.0, 1.0], [0.0, 1.0]]).expand(200, 2, 2).unbind(1)  # multi-label
    assert mix(name, (dark, both[0]), (light, both[1]), 2, random)[1][:, 1].eq(1).all()


def test_each_picture_has_its_partner_on_any_number_of_ranks() -> None:
    examples = Examples(torch.zeros(23, 1), torch.zeros(23))
    alone, *shared = (
        list(PairSampler(examples, batch_size=6, rank=rank, ranks=ranks, shuffle=True, seed=2))
        for rank, ranks in ((0, 1), (0, 2), (1, 2))
    )
    assert [pair for pairs in zip(*shared, strict=True) for pair in pairs] == alone[:22]
    for start in range(0, 23, 6):
        first, second = zip(*alone[start : start + 6], strict=True)
        assert second == (*first[1:], first[0])


@pytest.mark.parametrize("augment", ["RandAugment", "MixUp", "CutMix"])
def test_a_name_is_an_option_of_every_data_set_of_images(zoo_command: Command, augment: str) -> None:
    words = ("fit", "slp", "--data", "digits", "--trainer.accelerator", "cpu", "--trainer.limit_train_batches", 3)
    weights = []
    for run, (epochs, more) in enumerate(((1, ()), (2, ("--ckpt_path", "last"))), start=1):
        done = zoo_command(*words, "--data.augment", augment, "--trainer.max_epochs", epochs, *more)
        assert done.code == 0, (run, done.err)
    assert zoo_command(*words, "--data.augment", augment, "--trainer.max_epochs", 2).code == 0
    assert zoo_command(*words, "--trainer.max_epochs", 2).code == 0
    weights = [load(Path(f"runs/slp-digits/{run}") / LAST)["state_dict"]["fc.weight"] for run in (1, 2, 3)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_an_unknown_name_is_one_line(zoo_command: Command) -> None:
    done = zoo_command("fit", "slp", "--data", "digits", "--data.augment", "RandAugmentation")
    assert (done.code, done.err.count("\n")) == (2, 1)
    with pytest.raises(zoo.ZooError, match=r"unknown augmentation 'RandAugmented'; did you mean 'RandAugment'?"):
        zoo.create_datamodule("digits", augment="RandAugmented")
