"""Optimizers, penalties and schedules."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import LearningRateMonitor
from lightning.pytorch.loggers import CSVLogger
from stand_ins import batches, quiet_trainer
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import zoo
from zoo.tasks import Regressor
from zoo.tasks.optimizers import LR_SCHEDULERS, OPTIMIZERS


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_of_torch_can_be_named(optimizer: str) -> None:
    model = zoo.create_model("slp", optimizer=optimizer, lr=0.01)
    if optimizer == "Muon":  # for matrices alone
        with pytest.raises(ValueError, match="Muon"):
            quiet_trainer().fit(model, batches())
        return
    before = model.fc.weight.detach().clone()
    quiet_trainer().fit(model, batches())
    assert not torch.equal(model.fc.weight, before)
    assert model.fc.weight.isfinite().all()


def test_lbfgs_solves_a_problem_through_its_closure() -> None:
    class Line(Regressor):
        def __init__(self, **options: Any) -> None:
            super().__init__(loss="mse", **options)
            self.fc = nn.Linear(1, 1)

        def forward(self, x: Tensor) -> Tensor:
            return self.fc(x)

    x = torch.linspace(-1, 1, 8).unsqueeze(1)
    model = Line(optimizer="LBFGS", lr=1.0)
    quiet_trainer(max_epochs=3).fit(model, DataLoader(TensorDataset(x, 3 * x - 2), batch_size=8))
    assert model.fc.weight.item() == pytest.approx(3, abs=1e-3)
    assert model.fc.bias.item() == pytest.approx(-2, abs=1e-3)


def test_penalties_are_added_to_the_loss_and_not_to_the_metric() -> None:
    torch.manual_seed(0)
    plain = zoo.create_model("slp")
    penalized = zoo.create_model("slp", l1=0.1, l2=0.01)
    penalized.load_state_dict(plain.state_dict())
    batch = next(iter(batches()))
    parameters = torch.cat([p.flatten() for p in plain.parameters()])
    expected = plain.training_step(batch, 0) + 0.1 * parameters.abs().sum() + 0.01 * parameters.square().sum()
    assert torch.allclose(penalized.training_step(batch, 0), expected)
    logged = []
    for penalties in ({}, {"l1": 0.1, "l2": 0.01}):
        torch.manual_seed(0)
        trainer = quiet_trainer()
        trainer.fit(zoo.create_model("slp", lr=1e-12, **penalties), batches(), batches())
        logged.append({name: float(value) for name, value in trainer.callback_metrics.items()})
    assert logged[0] == pytest.approx(logged[1])


ARGUMENTS_OF_SCHEDULERS: dict[str, dict[str, Any]] = {
    "ConstantLR": {},
    "CosineAnnealingLR": {"T_max": 3},
    "CosineAnnealingWarmRestarts": {"T_0": 2},
    "CyclicLR": {"base_lr": 0.1, "max_lr": 0.2},
    "ExponentialLR": {"gamma": 0.5},
    "LinearLR": {},
    "MultiStepLR": {"milestones": [1]},
    "OneCycleLR": {"max_lr": 0.2, "total_steps": 9},
    "PolynomialLR": {},
    "ReduceLROnPlateau": {"patience": 0},
    "StepLR": {"step_size": 1},
}


@pytest.mark.parametrize("name", LR_SCHEDULERS)
def test_schedules_by_name(name: str) -> None:
    model = zoo.create_model("slp", lr_scheduler=name, lr_scheduler_args=ARGUMENTS_OF_SCHEDULERS[name])
    trainer = quiet_trainer(max_epochs=3)
    trainer.fit(model, batches(), batches(seed=1))
    scheduler = model.lr_schedulers()
    assert type(scheduler).__name__ == name
    expected = 9 if name in ("OneCycleLR", "CyclicLR") else 3
    assert scheduler.last_epoch == expected


class Rates(Callback):
    """Notes the learning rate of each step."""

    def __init__(self) -> None:
        self.seen: list[float] = []

    def on_before_optimizer_step(self, trainer: Trainer, *_: object) -> None:
        self.seen.append(trainer.optimizers[0].param_groups[0]["lr"])


def rates(epochs: int = 3, accumulate: int = 1, **options: Any) -> list[float]:
    """Learning rates of the steps of a run with four batches an epoch."""
    noted = Rates()
    trainer = quiet_trainer(max_epochs=epochs, accumulate_grad_batches=accumulate, callbacks=[noted])
    trainer.fit(zoo.create_model("slp", **options), batches(count=4), batches(seed=1))
    return noted.seen


def test_a_warm_up_rises_to_the_rate() -> None:
    assert rates(warmup_steps=5, lr=1.0) == pytest.approx([0.2, 0.4, 0.6, 0.8, *[1.0] * 8])
    assert rates(warmup_steps=5, lr=1.0, accumulate=3) == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0, 1.0])
    assert rates(warmup_steps=50, lr=1.0)[-1] == pytest.approx(12 / 50)
    assert rates(warmup_steps=1) == rates()


@pytest.mark.parametrize("name", LR_SCHEDULERS)
def test_a_warm_up_scales_the_rates_of_any_schedule(name: str) -> None:
    arguments = {**ARGUMENTS_OF_SCHEDULERS[name], **({"threshold": 1.0} if name == "ReduceLROnPlateau" else {})}
    arguments |= {"total_steps": 12} if name == "OneCycleLR" else {}
    options = {"lr": 0.8, "lr_scheduler": name, "lr_scheduler_args": arguments}
    plain, warmed = rates(**options), rates(**options, warmup_steps=7)
    assert len({*plain}) > 1 or name == "ConstantLR"  # which ends after five epochs
    assert warmed == [rate * min(1, (step + 1) / 7) for step, rate in enumerate(plain)]


def test_lightnings_monitor_sees_the_rate_that_is_used() -> None:
    model = zoo.create_model("slp", lr=1.0, warmup_steps=8, lr_scheduler="CosineAnnealingLR")
    monitor, noted = LearningRateMonitor(), Rates()
    trainer = quiet_trainer(max_epochs=2, callbacks=[monitor, noted], logger=CSVLogger("."), log_every_n_steps=1)
    trainer.fit(model, batches(count=5))
    assert monitor.lrs["lr"] == noted.seen


def test_a_schedule_without_a_length_is_as_long_as_the_run() -> None:
    for epochs in (2, 5):
        cosine = rates(epochs, lr=1.0, lr_scheduler="CosineAnnealingLR")[::4]
        assert cosine == pytest.approx([(1 + math.cos(math.pi * epoch / epochs)) / 2 for epoch in range(epochs)])
        decay = rates(epochs, lr=1.0, lr_scheduler="PolynomialLR")[::4]
        assert decay == pytest.approx([1 - epoch / epochs for epoch in range(epochs)])
        rise = {"start_factor": 0.5}
        linear = rates(epochs, lr=1.0, lr_scheduler="LinearLR", lr_scheduler_args=rise)[::4]
        assert linear == pytest.approx([0.5 + 0.5 * epoch / epochs for epoch in range(epochs)])
        for accumulate in (1, 3):
            one = rates(epochs, accumulate, lr_scheduler="OneCycleLR", lr_scheduler_args={"max_lr": 1.0})
            assert max(one) <= 1
            assert one[-1] == pytest.approx(1 / 25 / 1e4)  # torch's default: it is reached with the last step
    whole = rates(4, lr=1.0, lr_scheduler="CosineAnnealingLR", lr_scheduler_args={"T_max": 8})
    assert whole[-1] == pytest.approx((1 + math.cos(math.pi * 3 / 8)) / 2)


@pytest.mark.parametrize("name", ["CosineAnnealingLR", "OneCycleLR"])
def test_a_schedule_does_not_follow_a_run_without_an_end(name: str) -> None:
    arguments = {"max_lr": 1.0} if name == "OneCycleLR" else {}
    model = zoo.create_model("slp", lr_scheduler=name, lr_scheduler_args=arguments)
    for fit in (
        lambda: quiet_trainer(max_epochs=-1, max_time="00:00:00:01").fit(model, batches()),
        model.configure_optimizers,
    ):
        with pytest.raises(zoo.ZooError, match=f"{name} is to be as long as the run, whose end is not known"):
            fit()


def test_a_warm_up_of_fewer_than_no_steps_is_refused() -> None:
    with pytest.raises(zoo.ZooError, match="warmup_steps must be at least 0, got -1"):
        zoo.create_model("slp", warmup_steps=-1)


def test_the_schedule_changes_the_rate() -> None:
    model = zoo.create_model("slp", lr_scheduler="StepLR", lr_scheduler_args={"step_size": 1, "gamma": 0.1})
    trainer = quiet_trainer(max_epochs=2)
    trainer.fit(model, batches())
    assert trainer.optimizers[0].param_groups[0]["lr"] == pytest.approx(0.5 * 0.1**2)
