"""A backbone that is frozen for the first epochs."""

from __future__ import annotations

import pytest
import torch
from conftest import Command
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.strategies import FSDPStrategy
from running import DIGITS_ON_CPU
from stand_ins import batches, quiet_trainer
from torch import Tensor, nn

import zoo
from zoo.callbacks import FrozenBackbone
from zoo.errors import ZooError
from zoo.tasks import Classifier
from zoo.training.check_options import check_run


class Normalized(Classifier):
    """A network with batch normalization, and a layer that never trains."""

    output = "logits"
    head = "fc"

    def __init__(self) -> None:
        super().__init__(10, loss="cross_entropy", lr=0.1)
        self.fixed = nn.Linear(784, 8)
        self.fixed.requires_grad_(False)
        self.hidden = nn.Linear(8, 8)
        self.norm = nn.BatchNorm1d(8)
        self.fc = self.new_head(8)
        self.example_input_array = torch.zeros(1, 784)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.norm(self.hidden(self.fixed(x))))


class Watch(Callback):
    """Notes which parts have changed by the end of each epoch."""

    def __init__(self) -> None:
        self.changed: list[set[str]] = []

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.before = {name: value.clone() for name, value in pl_module.state_dict().items()}

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        now = pl_module.state_dict()
        self.changed.append({name.split(".")[0] for name, value in now.items() if not value.equal(self.before[name])})


@pytest.mark.parametrize("unfreeze_at", [1, 2, None])
def test_the_head_trains_alone_and_then_all_that_can(unfreeze_at: int | None) -> None:
    model, watch = Normalized(), Watch()
    freeze = FrozenBackbone(unfreeze_at)
    quiet_trainer(max_epochs=3, callbacks=[freeze, watch]).fit(model, batches())
    everything = {"hidden", "norm", "fc"}
    alone = 3 if unfreeze_at is None else unfreeze_at
    assert watch.changed == [{"fc"}] * alone + [everything] * (3 - alone)
    assert model.norm.training == (unfreeze_at is not None)
    assert not model.fixed.weight.requires_grad


def test_a_network_without_a_head_is_refused() -> None:
    model, data = zoo.create_model("linear"), zoo.create_datamodule("quadratic")
    with pytest.raises(ZooError, match="LinearRegression names no head"):
        quiet_trainer(callbacks=[FrozenBackbone()]).fit(model, data)


def test_frozen_layers_cost_no_gradients() -> None:
    model = zoo.create_model("mlp", weights="mnist").train()
    quiet_trainer(callbacks=[FrozenBackbone()]).fit(model, batches())
    assert model.fc1.weight.grad is None
    assert not model.fc1.weight.requires_grad


def test_the_summary_tells_how_much_is_frozen(zoo_command: Command, caplog: pytest.LogCaptureFixture) -> None:
    words = ("fit", "mlp", *DIGITS_ON_CPU, "--weights", "mnist", "--freeze", "backbone", "--trainer.max_epochs", 1)
    assert zoo_command(*words).code == 0
    assert "39,760 parameters, 39,250 of them frozen" in caplog.text


def test_a_strategy_that_could_not_unfreeze_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    model, data = zoo.create_model("mlp"), zoo.create_datamodule("digits")
    data.setup()
    trainer = quiet_trainer(callbacks=[FrozenBackbone()])
    check_run(trainer, model, data, patience=None)
    monkeypatch.setattr(Trainer, "strategy", FSDPStrategy())
    with pytest.raises(ZooError, match="works in one process"):
        check_run(trainer, model, data, patience=None)
