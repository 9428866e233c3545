"""How long a run is, known before it begins."""

from __future__ import annotations

import math
from typing import Any

import pytest
from lightning.pytorch.callbacks import GradientAccumulationScheduler
from stand_ins import batches, quiet_trainer

import zoo
from zoo.tasks.run_length import RunLength, run_length


@pytest.mark.parametrize(
    "limits",
    [
        {},
        {"max_epochs": 2, "accumulate_grad_batches": 3},
        {"max_epochs": 2, "limit_train_batches": 7},
        {"max_epochs": 2, "limit_train_batches": 0.3},
        {"max_epochs": 3, "max_steps": 25},
        {"max_epochs": -1, "max_steps": 21},
        {"max_epochs": -1, "max_steps": 20, "accumulate_grad_batches": 2},
        {"fast_dev_run": True},
    ],
)
def test_a_run_is_as_long_as_was_said(limits: dict[str, Any]) -> None:
    data = zoo.create_datamodule("digits")
    data.setup()
    trainer = quiet_trainer(**limits)
    told = run_length(trainer, data)
    trainer.fit(zoo.create_model("slp"), data)
    assert told.steps == trainer.global_step
    assert told.epochs == math.ceil(
        trainer.global_step / math.ceil(trainer.num_training_batches / trainer.accumulate_grad_batches)
    )


def test_a_run_of_no_epochs_has_a_schedule() -> None:
    model = zoo.create_model("slp", lr_scheduler="CosineAnnealingLR", warmup_steps=3)
    data = zoo.create_datamodule("digits")
    data.setup()
    model.run_length = run_length(quiet_trainer(max_epochs=0), data)
    assert model.run_length == RunLength(0, 0)
    model.configure_optimizers()


def test_what_cannot_be_known_is_none() -> None:
    data = zoo.create_datamodule("digits")
    assert run_length(quiet_trainer(max_epochs=-1), data) == RunLength(None, None)
    growing = [GradientAccumulationScheduler({0: 1, 1: 2})]
    assert run_length(quiet_trainer(max_epochs=3, callbacks=growing), data) == RunLength(3, None)
    assert run_length(quiet_trainer(max_epochs=3, max_steps=9, callbacks=growing), data) == RunLength(None, None)


@pytest.mark.parametrize(("batch_size", "ranks"), [(64, 1), (64, 2), (6, 3), (1256, 2), (5000, 4), (2, 2)])
def test_the_batches_of_each_rank_are_counted(batch_size: int, ranks: int) -> None:
    data = zoo.create_datamodule("digits", batch_size=batch_size)
    data.setup()
    sampler = data.sampler(data.splits["train"], batch_size=batch_size, ranks=ranks, shuffle=True)
    assert data.count_train_batches(ranks) == math.ceil(len(sampler) / (batch_size // ranks))
    if ranks == 1:
        assert data.count_train_batches() == len(data.train_dataloader())


def test_loaders_of_ones_own_are_counted() -> None:
    trainer = quiet_trainer(max_epochs=2)
    trainer.fit(zoo.create_model("slp", lr_scheduler="OneCycleLR", lr_scheduler_args={"max_lr": 1.0}), batches(count=5))
    assert trainer.lr_scheduler_configs[0].scheduler.total_steps == trainer.global_step == 10
