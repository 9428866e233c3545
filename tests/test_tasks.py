"""Losses, optimizers, penalties, schedules and metrics: what every network shares."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

import zoo
from zoo.kinds import OutputKind, TargetKind
from zoo.tasks import Classifier, Regressor
from zoo.tasks.losses import VALID_LOSSES, LossName, loss_function
from zoo.tasks.metrics import BATCHES_PER_UPDATE
from zoo.tasks.optimizers import LR_SCHEDULERS, OPTIMIZERS

OUTPUTS = {
    "sigmoid": torch.sigmoid,
    "logits": torch.clone,
    "log_probs": lambda x: x.log_softmax(-1),
    "values": torch.clone,
}
TARGETS = {
    "class": torch.tensor([2, 0, 1, 1]),
    "binary": torch.tensor([[0, 1, 1], [1, 0, 0], [0, 0, 0], [1, 1, 1]]),
    "value": torch.linspace(-1, 1, 12).reshape(4, 3),
}


def quiet_trainer(**arguments: Any) -> Trainer:
    settings = {"max_epochs": 1, "accelerator": "cpu", "logger": False, "enable_checkpointing": False}
    return Trainer(**{**settings, "enable_progress_bar": False, "enable_model_summary": False, **arguments})


def by_hand(loss: str, output: Tensor, target: Tensor) -> float:
    """The loss from its definition, element by element."""
    if target.dim() == 1:
        target = F.one_hot(target, 3).float()
    rows = len(output)
    match loss:
        case "mse":
            return float(((output - target) ** 2).sum() / output.numel())
        case "mse_sum":
            return float(((output - target) ** 2).sum())
        case "l1":
            return float((output - target).abs().sum() / output.numel())
        case "nll":
            return float(-(output * target).sum() / rows)
        case "cross_entropy":
            return float(-((output - output.exp().sum(-1, keepdim=True).log()) * target).sum() / rows)
        case "kl_div":  # the entropy of a one-hot target is 0
            return float(-(output * target).sum() / rows)
    raise AssertionError(loss)


@pytest.mark.parametrize(
    ("target", "output", "loss"), [(*kinds, loss) for kinds, losses in VALID_LOSSES.items() for loss in losses]
)
def test_losses_are_as_defined(target: TargetKind, output: OutputKind, loss: LossName) -> None:
    raw = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    out, goal = OUTPUTS[output](raw), TARGETS[target]
    value = float(loss_function(loss, output, target)(out, goal))
    if loss == "bce":
        p = out if output == "sigmoid" else out.sigmoid()
        yes = (F.one_hot(goal, 3) if target == "class" else goal).float()
        expected = float(-(yes * p.log() + (1 - yes) * (1 - p).log()).mean())
    else:
        expected = by_hand(loss, out, goal)
    assert value == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("target", "output", "loss"),
    [(*kinds, loss) for kinds, losses in VALID_LOSSES.items() for loss in get_args(LossName) if loss not in losses],
)
def test_senseless_losses_are_refused_in_one_line(target: TargetKind, output: OutputKind, loss: LossName) -> None:
    with pytest.raises(zoo.ZooError, match="is not valid") as raised:
        loss_function(loss, output, target)
    assert "\n" not in str(raised.value)


def test_bce_survives_half_precision() -> None:
    certain = torch.ones(2, 3, dtype=torch.bfloat16, requires_grad=True)
    loss_function("bce", "sigmoid", "class")(certain, torch.tensor([0, 1])).backward()
    assert certain.grad is not None
    assert certain.grad.isfinite().all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"loss": "nll"},
            "is not valid for sigmoid outputs and class targets; use mse or mse_sum or l1 or bce",
        ),
        ({"loss": "nlll"}, "did you mean 'nll'?"),
        ({"lr": math.nan}, "lr must be a finite number above 0, got nan"),
        ({"lr": math.inf}, "lr must be a finite number above 0"),
        ({"lr": -1.0}, "lr must be a finite number above 0"),
        ({"l1": -1.0}, "l1 must be a finite number of at least 0"),
        ({"l2": math.nan}, "l2 must be a finite number of at least 0"),
        ({"in_dim": 0}, "in_dim must be at least 1"),
        ({"num_classes": 1}, "num_classes must be at least 2"),
        ({"optimizer": "Adamm"}, "unknown optimizer 'Adamm'; did you mean 'Adam'?"),
        ({"optimizer": "Optimizer"}, "unknown optimizer"),
        ({"optimizer_args": {"momentun": 0.9}}, "SGD takes no argument 'momentun'; did you mean 'momentum'?"),
        ({"optimizer_args": {"lr": 0.9}}, "optimizer_args must not contain 'lr'"),
        ({"optimizer_args": {"momentum": torch.ones(1)}}, "optimizer_args.momentum must be plain"),
        ({"lr_scheduler": "StepLr", "lr_scheduler_args": {"step_size": 1}}, "did you mean 'StepLR'?"),
        ({"lr_scheduler": "StepLR"}, "missing a required argument: 'step_size'; set it in lr_scheduler_args"),
        ({"lr_scheduler": "StepLR", "lr_scheduler_args": {"stepsize": 1}}, "did you mean 'step_size'?"),
        ({"loss": F.mse_loss}, "loss must be plain"),
        ({"in_dim": Path("784")}, "in_dim must be plain"),
    ],
)
def test_bad_hyperparameters_are_refused_at_construction(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(zoo.ZooError) as raised:
        zoo.create_model("slp", **arguments)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def batches(size: int = 4, count: int = 3, seed: int = 0) -> DataLoader[Any]:
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(size * count, 784, generator=generator)
    return DataLoader(TensorDataset(x, torch.arange(size * count) % 10), batch_size=size)


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


def evaluate_plainly(model: Classifier, loader: DataLoader[Any]) -> tuple[float, float]:
    """Loss and accuracy by one pass over everything at once."""
    x, y = (torch.cat(parts) for parts in zip(*loader, strict=True))
    with torch.inference_mode():
        output = model.eval()(x)
        return float(model.loss(output, y)), float((output.argmax(-1) == y).float().mean())


@pytest.mark.parametrize("count", [1, BATCHES_PER_UPDATE - 1, BATCHES_PER_UPDATE, 2 * BATCHES_PER_UPDATE + 1])
def test_metrics_are_exact_for_any_number_of_batches_the_last_one_smaller(count: int) -> None:
    generator = torch.Generator().manual_seed(0)
    size = 3 * count - 1
    examples = TensorDataset(torch.rand(size, 784, generator=generator), torch.arange(size) % 10)
    loader = DataLoader(examples, batch_size=3)
    model = zoo.create_model("slp")
    trainer = quiet_trainer()
    for _ in range(2):  # the second time nothing of the first is left
        (results,) = trainer.test(model, loader, verbose=False)
        loss, accuracy = evaluate_plainly(model, loader)
        assert results["test/loss"] == pytest.approx(loss, rel=1e-5)
        assert results["test/acc"] == pytest.approx(accuracy, rel=1e-6)
        assert int(model.confusion.sum()) == size
        assert int(model.confusion.trace()) == round(accuracy * size)


def test_nothing_of_an_interrupted_epoch_is_measured_in_the_next() -> None:
    class Stop(Callback):
        def on_train_batch_end(self, *_: object) -> None:
            raise RuntimeError("stop")

    model = zoo.create_model("slp", lr=1e-9)
    with pytest.raises(RuntimeError, match="stop"):
        quiet_trainer(callbacks=[Stop()]).fit(model, batches(seed=1))
    trainer = quiet_trainer()
    trainer.fit(model, batches())
    loss, accuracy = evaluate_plainly(model, batches())
    assert float(trainer.callback_metrics["train/loss"]) == pytest.approx(loss, rel=1e-4)
    assert float(trainer.callback_metrics["train/acc"]) == pytest.approx(accuracy)


def test_a_summed_loss_is_that_of_all_examples() -> None:
    model = zoo.create_model("slp", loss="mse_sum", lr=1e-9)
    (results,) = quiet_trainer().test(model, batches(size=5), verbose=False)
    x, y = (torch.cat(parts) for parts in zip(*batches(size=5), strict=True))
    assert results["test/loss"] == pytest.approx(float((model(x).detach() - F.one_hot(y, 10)).square().sum()), rel=1e-5)


def test_lbfgs_is_measured_once_a_batch() -> None:
    model = zoo.create_model("slp", optimizer="LBFGS", lr=1e-9)
    trainer = quiet_trainer()
    trainer.fit(model, batches())
    loss, _ = evaluate_plainly(model, batches())
    assert float(trainer.callback_metrics["train/loss"]) == pytest.approx(loss, rel=1e-4)


class StopAtStep(Callback):
    """Saves in the middle of an epoch, and stops."""

    def __init__(self, step: int, path: Path) -> None:
        self.step, self.path = step, path

    def on_train_batch_end(self, trainer: Trainer, *_: object) -> None:
        if trainer.global_step == self.step:
            trainer.save_checkpoint(self.path)
            raise KeyboardInterrupt


@pytest.mark.parametrize("step", [3, 20, 27])
def test_a_fit_resumed_in_the_middle_of_an_epoch_ends_with_the_same_weights(step: int, tmp_path: Path) -> None:
    def run(*callbacks: Callback, ckpt_path: Path | None = None) -> Tensor:
        torch.manual_seed(0)
        model = zoo.create_model("slp")
        trainer = quiet_trainer(max_epochs=2, callbacks=list(callbacks))
        trainer.fit(model, zoo.create_datamodule("digits"), ckpt_path=ckpt_path, weights_only=True)
        return model.fc.weight.detach()

    undisturbed = run()
    with pytest.raises(SystemExit):
        run(StopAtStep(step, tmp_path / "stopped.ckpt"))
    assert torch.equal(run(ckpt_path=tmp_path / "stopped.ckpt"), undisturbed)


def test_validation_in_the_middle_of_an_epoch_does_not_mix_with_training() -> None:
    model = zoo.create_model("slp", lr=1e-9)  # as good as no training: both see the same network
    trainer = quiet_trainer(val_check_interval=2)
    trainer.fit(model, batches(count=5), batches(count=7, seed=1))
    for split, loader in (("train", batches(count=5)), ("val", batches(count=7, seed=1))):
        loss, accuracy = evaluate_plainly(model, loader)
        assert float(trainer.callback_metrics[f"{split}/loss"]) == pytest.approx(loss, rel=1e-4)
        assert float(trainer.callback_metrics[f"{split}/acc"]) == pytest.approx(accuracy)


class Questions(Classifier):
    output = "logits"

    def __init__(self, **options: Any) -> None:
        super().__init__(num_classes=3, multilabel=True, loss="bce", lr=1.0, **options)
        self.fc = nn.Linear(2, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(x)


class Numbers(Regressor):
    def __init__(self, **options: Any) -> None:
        super().__init__(lr=0.1, **options)
        self.fc = nn.Linear(2, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(x)


def test_a_multilabel_classifier_counts_right_answers() -> None:
    x = torch.randn(50, 2, generator=torch.Generator().manual_seed(0))
    y = torch.stack([x[:, 0] > 0, x[:, 1] > 0, x.sum(1) > 0], dim=1).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=7)
    model = Questions()
    quiet_trainer(max_epochs=40).fit(model, loader)
    (results,) = quiet_trainer().test(model, loader, verbose=False)
    expected = ((model(x) > 0) == y.bool()).float().mean()
    assert results["test/acc"] == pytest.approx(float(expected))
    assert results["test/acc"] > 0.9
    assert torch.allclose(model.predict_step((x, y), 0), model(x).sigmoid())


@pytest.mark.parametrize("loss", ["mse", "mse_sum", "l1"])
def test_a_regressor_measures_its_error(loss: LossName) -> None:
    x = torch.randn(30, 2, generator=torch.Generator().manual_seed(0))
    y = x @ torch.tensor([[1.0], [-2.0]])
    loader = DataLoader(TensorDataset(x, y), batch_size=7)
    model = Numbers(loss=loss)
    (results,) = quiet_trainer().test(model, loader, verbose=False)
    assert results["test/mae"] == pytest.approx((model(x) - y).abs().mean().item(), rel=1e-5)


def test_probabilities_by_the_kind_of_output() -> None:
    raw = torch.randn(4, 3)

    class Any3(Classifier):
        output = "logits"

        def __init__(self) -> None:
            super().__init__(num_classes=3, loss="cross_entropy", lr=1.0)

    model = Any3()
    assert torch.allclose(model.predicted(raw), raw.softmax(-1))
    model.output = "log_probs"  # type: ignore[misc]
    assert torch.allclose(model.predicted(raw.log_softmax(-1)), raw.softmax(-1))


def test_lightnings_note_of_the_hook_still_works() -> None:
    model = zoo.create_model("slp")
    model._current_fx_name = "training_step"
    assert model._current_fx_name == "training_step"
    assert isinstance(model, LightningModule)
