"""Optimizers, penalties and schedules."""

from __future__ import annotations

from typing import Any

import pytest
import torch
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


def test_the_schedule_changes_the_rate() -> None:
    model = zoo.create_model("slp", lr_scheduler="StepLR", lr_scheduler_args={"step_size": 1, "gamma": 0.1})
    trainer = quiet_trainer(max_epochs=2)
    trainer.fit(model, batches())
    assert trainer.optimizers[0].param_groups[0]["lr"] == pytest.approx(0.5 * 0.1**2)
