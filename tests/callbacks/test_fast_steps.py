"""Several steps in a turn of Lightning's loop, and the same run as one step in each."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from conftest import Command
from every_data import arguments_of_data, small_data
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import (
    Checkpoint,
    EMAWeightAveraging,
    LambdaCallback,
    LearningRateMonitor,
    ModelCheckpoint,
)
from lightning.pytorch.loggers import CSVLogger
from running import DIGITS_ON_CPU, LAST, check_resumes, load
from torch import nn

import zoo
from zoo.callbacks import ExactResume, FastSteps
from zoo.datamodules.common import DataModule
from zoo.internals.lightning_loop import QuickEpochLoop
from zoo.internals.torch_fused import FusedSteps
from zoo.models import MLP, SLP
from zoo.registry import model_row
from zoo.tasks.optimizers import OPTIMIZERS

needs_compiler = pytest.mark.skipif(not shutil.which("g++"), reason="needs a C++ compiler")

OPTIONS: list[list[object]] = [
    [],
    ["--trainer.accumulate_grad_batches", 3, "--trainer.gradient_clip_val", 0.1],
    ["--trainer.val_check_interval", 5, "--model.optimizer", "Adam"],
    ["--trainer.val_check_interval", 7, "--trainer.check_val_every_n_epoch", "null"],
    ["--trainer.precision", "64-true", "--checkpoint_every", 3],
    ["--trainer.precision", "bf16-mixed", "--trainer.limit_train_batches", 13],
    ["--model.lr_scheduler", "CosineAnnealingLR", "--model.warmup_steps", 25, "--trainer.max_steps", 31],
    ["--model.lr_scheduler", "OneCycleLR", "--model.lr_scheduler_args", "{max_lr: 0.2}"],
    ["--data.augment", "true", "--model.l2", 0.01],
    ["--weights", "fashion_mnist", "--freeze", "backbone", "--unfreeze_at", 1],
    ["--trainer.callbacks+=GradientAccumulationScheduler", "--trainer.callbacks.scheduling", "{0: 1, 1: 4}"],
]


def turns(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the list that will hold the number of steps of each turn."""
    seen: list[int] = []
    due = QuickEpochLoop.steps_until_due

    def steps_until_due(self: QuickEpochLoop) -> int:
        seen.append(min(due(self), self.steps))
        return due(self)

    monkeypatch.setattr(QuickEpochLoop, "steps_until_due", steps_until_due)
    return seen


@pytest.mark.parametrize("options", OPTIONS)
def test_a_fast_run_leaves_what_lightnings_own_loop_leaves(
    options: list[object], zoo_command: Command, torture: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = turns(monkeypatch)
    words = ["fit", "ffnn", *DIGITS_ON_CPU, "--data.batch_size", 64, "--trainer.max_epochs", 3, *options]
    for out, fast in (("slow", "false"), ("fast", "true")):
        done = zoo_command(*words, "--out", out, "--fast", fast)
        assert done.code == 0, done.err
        assert "Lightning's loop" not in done.out
        assert bool(seen) == (fast == "true")
    assert max(seen) > 1
    slow, fast_run = (Path(f"{out}/ffnn-digits/1") for out in ("slow", "fast"))
    before, after = load(slow / LAST), load(fast_run / LAST)
    for part in (*torture.PARTS, "loops", "measured"):
        assert torture.equal(before[part], after[part]), part
    assert (slow / "metrics.csv").read_bytes() == (fast_run / "metrics.csv").read_bytes()
    reported = [json.loads((run / "results.json").read_text(encoding="utf-8")) for run in (slow, fast_run)]
    assert reported[0]["metrics"] == reported[1]["metrics"]


def digits(**options: Any) -> DataModule:
    data = zoo.create_datamodule("digits", val_size=100, **options)
    data.setup()
    return data


def fit(name: str, data: Any, *callbacks: Callback, steps: int = 11, **options: Any) -> tuple[Trainer, dict[str, Any]]:
    torch.manual_seed(0)
    model = zoo.create_model(name, data=data)
    trainer = Trainer(
        max_steps=steps,
        accelerator="cpu",
        enable_checkpointing=any(isinstance(callback, Checkpoint) for callback in callbacks),
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=list(callbacks),
        **{"logger": False, **options},
    )
    trainer.fit(model, data)
    return trainer, {**model.state_dict(), "optimizer": trainer.optimizers[0].state_dict()["state"]}


@pytest.mark.parametrize("name", zoo.list_models())
def test_every_network_trains_to_the_same_weights(name: str, tmp_path: Path, torture: ModuleType) -> None:
    data_name = model_row(name).data
    arguments = arguments_of_data(data_name, tmp_path)
    ends = [
        fit(name, small_data(data_name, arguments), *callbacks)[1] for callbacks in ([], [FastSteps(4)], [FastSteps()])
    ]
    for end in ends[1:]:
        assert torture.equal(ends[0], end)


class Watcher(Callback):
    def on_before_zero_grad(self, *_: Any) -> None:
        """Look at each step."""


class OwnMonitor(ModelCheckpoint):
    def on_train_batch_end(self, *_: Any) -> None:
        """Look at each step, which ModelCheckpoint itself need not."""


class Logging(SLP):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.log("mean", x.mean(), on_step=False, on_epoch=True)
        return super().forward(x)


class Careful(torch.optim.SGD):
    def step(self, closure: Any) -> Any:  # type: ignore[override]
        return super().step(closure)


class NeedsClosure(SLP):
    def configure_optimizers(self) -> torch.optim.Optimizer:
        return Careful(self.parameters(), lr=0.5)


class OwnStep(SLP):
    def on_after_backward(self) -> None:
        """Look at the gradients of each step."""


@pytest.mark.parametrize(
    ("reason", "callbacks", "options"),
    [
        ("Watcher looks at each step", [Watcher], {}),
        ("LearningRateMonitor looks at each step", [LearningRateMonitor], {}),
        ("EMAWeightAveraging looks at each step", [EMAWeightAveraging], {}),
        ("OwnMonitor looks at each step", [OwnMonitor], {}),
        ("a profiler measures each step", [], {"profiler": "simple"}),
    ],
)
def test_it_steps_aside_where_something_looks_at_each_step(
    reason: str,
    callbacks: list[type[Callback]],
    options: dict[str, Any],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    data, fast = digits(), FastSteps()
    options = {"logger": CSVLogger(tmp_path), **options}  # which LearningRateMonitor needs
    fit("slp", data, fast, *(callback() for callback in callbacks), **options)
    assert fast.reason == reason
    assert reason in capsys.readouterr().out


@pytest.mark.parametrize(
    ("network", "reason"),
    [
        (OwnStep, "OwnStep has its own on_after_backward"),
        (NeedsClosure, "Careful is not an optimizer of torch"),
        (Logging, "the network logs in its steps"),
    ],
)
def test_it_steps_aside_for_networks_of_other_packages(network: type[SLP], reason: str, tmp_path: Path) -> None:
    settings = {"max_steps": 30, "accelerator": "cpu", "default_root_dir": tmp_path}
    trainer = Trainer(**settings, enable_model_summary=False, callbacks=[FastSteps(4)])
    trainer.fit(network(), digits())
    assert isinstance(trainer.fit_loop.epoch_loop, QuickEpochLoop)
    assert trainer.fit_loop.epoch_loop.reason == reason


def test_every_step_calls_what_is_set_as_a_hook() -> None:
    calls: list[int] = []
    fit("slp", digits(), LambdaCallback(on_train_batch_end=lambda *_: calls.append(1)), FastSteps(4))
    assert len(calls) == 11


class StopsLate(Callback):
    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        trainer.should_stop = True


def test_a_run_that_is_to_stop_takes_its_least_steps(torture: ModuleType) -> None:
    data = digits()  # 21 steps an epoch
    ends = [fit("slp", data, StopsLate(), *fast, steps=-1, min_steps=33, max_epochs=9) for fast in ([], [FastSteps(8)])]
    assert [trainer.global_step for trainer, _ in ends] == [33, 33]
    assert torture.equal(ends[0][1], ends[1][1])


@pytest.mark.parametrize("fast", [FastSteps(4), FastSteps(4, compile=True)])
def test_a_trainer_forgets_the_data_and_the_network_of_an_earlier_fit(fast: FastSteps, torture: ModuleType) -> None:
    ends = []
    for callbacks in ([], [fast]):
        trainer, _ = fit("slp", digits(augment=True), *callbacks, steps=6)
        torch.manual_seed(1)
        model = zoo.create_model("slp")
        trainer.fit_loop.epoch_loop.max_steps = 30
        trainer.fit(model, train_dataloaders=digits().train_dataloader())
        ends.append(model.state_dict())
    assert torture.equal(*ends)


def test_compiled_steps_are_those_of_the_network_in_use(torture: ModuleType) -> None:
    ends = []
    for callbacks in ([], [FastSteps(4, compile=True)]):
        trainer, _ = fit("slp", digits(), *callbacks, steps=6)
        torch.manual_seed(1)
        model = zoo.create_model("slp")
        trainer.fit_loop.epoch_loop.max_steps = 30
        trainer.fit(model, digits())
        ends.append(model.state_dict())
    for key, value in ends[0].items():
        # Single precision, whose sums the compiler takes in another order.
        torch.testing.assert_close(value, ends[1][key], rtol=0, atol=1e-5)


class Squares(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.network = nn.Sequential(nn.Linear(4, 8, bias=False), nn.BatchNorm1d(8), nn.Linear(8, 1))

    def losses(self, batch: Any) -> tuple[torch.Tensor, ...]:
        return (self.network(batch[0]).square().mean(),)


def numbers(count: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    generator = torch.Generator().manual_seed(0)
    return [(torch.rand(16, 4, generator=generator), torch.zeros(16)) for _ in range(count)]


def steps_of(optimizer: str, accumulated: int = 1, **options: Any) -> tuple[Squares, FusedSteps, Any]:
    """Return a network after a step, its compiled steps, and a function that makes one operation by operation."""
    torch.manual_seed(0)
    model = Squares()
    own = getattr(torch.optim, optimizer)(model.parameters(), **{"lr": 0.01, **options})

    def clip(optimizer: torch.optim.Optimizer) -> None:
        nn.utils.clip_grad_norm_(optimizer.param_groups[0]["params"], 0.5)

    def plain(*batches: Any) -> None:
        own.zero_grad()
        for batch in batches:
            (model.losses(batch)[0] / accumulated).backward()
        clip(own)
        own.step()

    plain(*numbers(accumulated))
    return model, FusedSteps(model, "losses", own, clip=clip, accumulated=accumulated), plain


NOT_COMPILED = {
    "Adafactor": "it looks at numbers of its state",
    "LBFGS": "it evaluates a batch several times",
    "Muon": "it looks at numbers of its state, and takes matrices only",
}


@needs_compiler
@pytest.mark.parametrize(
    ("optimizer", "accumulated"),
    [("SGD with momentum", 2), *((name, 1) for name in [*OPTIMIZERS, "SGD with momentum"] if name not in NOT_COMPILED)],
)
def test_compiled_updates_are_those_of_the_optimizer(optimizer: str, accumulated: int) -> None:
    name, *with_momentum = optimizer.split(" with ")
    options = {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01} if with_momentum else {}
    ends = []
    for compiled in (False, True):
        model, steps, plain = steps_of(name, accumulated, **options)
        for first in range(0, 4 * accumulated, 2 * accumulated):
            batches = numbers(5 * accumulated)[first : first + 2 * accumulated]
            if not compiled:
                plain(*batches[:accumulated])
                plain(*batches[accumulated:])
            else:
                assert steps(batches), steps.reason
        ends.append({**model.state_dict(), "state": list(steps.optimizer.state.values())})
    torch.testing.assert_close(*ends, rtol=1e-4, atol=1e-5)  # single precision, with fused operations


@needs_compiler
def test_a_bad_batch_changes_nothing(torture: ModuleType) -> None:
    model, steps, _ = steps_of("Adam")
    batches = numbers(3)
    batches[1][0][3] = float("nan")
    assert steps(batches[:1]), steps.reason
    before = {name: value.clone() for name, value in model.state_dict().items()}  # running statistics, too
    found = steps([batches[1], batches[2]])
    assert found
    assert [done.finite for done in found] == [False, False]
    assert torture.equal(before, model.state_dict())


def test_a_network_with_hooks_is_not_compiled() -> None:
    model, steps, _ = steps_of("SGD")
    model.network[0].weight.register_hook(lambda gradient: gradient * 0)
    assert steps(numbers(1)) is None
    assert "hooks" in steps.reason


def test_settings_that_change_are_not_compiled() -> None:
    _, steps, _ = steps_of("SGD", momentum=0.9)
    steps.optimizer.param_groups[0]["momentum"] = 0.8
    assert steps(numbers(1)) is None
    assert "settings other than the rate" in steps.reason


@needs_compiler
def test_batches_in_another_order_in_memory_have_a_graph_of_their_own() -> None:
    ends = []
    for compiled in (False, True):
        model, steps, plain = steps_of("SGD")
        for x, y in numbers(3):
            for batch in ((x, y), (x.T.contiguous().T, y)):
                plain(batch)
                if compiled:
                    assert steps([batch]), steps.reason
                else:
                    plain(batch)
        ends.append(model.state_dict())
    torch.testing.assert_close(*ends, rtol=1e-4, atol=1e-5)  # single precision, with fused operations


@pytest.mark.parametrize("odd", [lambda x, y: (x, y, ["name"]), lambda x, y: ((x, x), y), lambda x, y: {"x": x}])
def test_batches_that_are_not_tuples_of_tensors_are_not_compiled(odd: Any) -> None:
    _, steps, _ = steps_of("SGD")
    steps.look(odd(*numbers(1)[0]))
    assert steps.reason == "a batch is not a tuple of tensors"


def test_what_changes_between_epochs_needs_new_graphs() -> None:
    model, steps, _ = steps_of("SGD", momentum=0.9)
    assert steps.fits(model)
    model.network.insert(1, nn.Dropout(0.5))
    assert not steps.fits(model)
    model, steps, _ = steps_of("SGD", momentum=0.9)
    model.network[1].eval()
    assert not steps.fits(model)
    model, steps, _ = steps_of("SGD", momentum=0.9)
    steps.optimizer.param_groups[0]["weight_decay"] = 0.1
    assert not steps.fits(model)


SILENT = dict.fromkeys(("logger", "enable_progress_bar", "enable_model_summary", "enable_checkpointing"), False)


class Halved(MLP):
    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD([{"params": self.fc1.parameters()}, {"params": self.fc2.parameters()}], lr=0.5)


def test_a_frozen_group_stays_as_it_is(torture: ModuleType) -> None:
    ends = []
    for callbacks in ([], [FastSteps(4)]):
        torch.manual_seed(0)
        model = Halved()
        model.fc1.requires_grad_(False)
        Trainer(max_steps=9, accelerator="cpu", callbacks=callbacks, **SILENT).fit(model, digits())
        ends.append(model.state_dict())
    assert torture.equal(*ends)


class Fails(Callback):
    def on_train_epoch_end(self, *_: Any) -> None:
        raise RuntimeError("once")


@needs_compiler
def test_a_fit_after_one_that_failed_has_graphs_of_its_own() -> None:
    ends = []
    for options in ({}, {"compile": True}):
        torch.manual_seed(0)
        model, fast = zoo.create_model("mlp", data=digits()), FastSteps(4, **options)
        trainer = Trainer(max_epochs=1, accelerator="cpu", callbacks=[fast, Fails()], **SILENT)
        with pytest.raises(RuntimeError, match="once"):
            trainer.fit(model, digits())
        trainer.callbacks.pop(1)  # type: ignore[attr-defined]
        model.lr = 0.05
        trainer.fit_loop.max_epochs = 3
        trainer.fit(model, digits())
        ends.append(model.state_dict())
    torch.testing.assert_close(*ends, rtol=0, atol=1e-5)  # single precision, with fused operations


@pytest.mark.parametrize(("features", "size"), [(13, 10), (30, 25)])
def test_tables_are_resumed_to_the_bit(
    features: int, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the memory of a batch begins decides how its products are rounded."""
    monkeypatch.chdir(tmp_path)
    x = torch.rand(1500, features, generator=torch.Generator().manual_seed(0))
    y = (x.sum(1) > features / 2).long()

    def run(**options: Any) -> dict[str, torch.Tensor]:
        torch.manual_seed(0)
        data = zoo.create_datamodule("arrays", x_train=x, y_train=y, batch_size=size)
        data.setup()
        model = zoo.create_model("slp", data=data)
        callbacks = [ExactResume("last.ckpt", every_n_steps=7), FastSteps(4)]
        silent = dict.fromkeys(("logger", "enable_progress_bar", "enable_model_summary"), False)
        Trainer(max_epochs=2, accelerator="cpu", callbacks=callbacks, **silent).fit(model, data, **options)
        return model.state_dict()

    check_resumes(run, 31, monkeypatch)


def test_lbfgs_takes_its_own_steps(zoo_command: Command) -> None:
    words = ["fit", "mlp", *DIGITS_ON_CPU, "--model.optimizer", "LBFGS", "--model.lr", 0.1, "--trainer.max_epochs", 1]
    done = zoo_command(*words)
    assert done.code == 0, done.err
    assert "each step goes through Lightning's loop: LBFGS evaluates a batch several times" in done.out


def test_a_bad_gradient_stops_a_fast_run_before_it_changes_the_weights(
    zoo_command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = turns(monkeypatch)
    words = [
        "fit",
        "mlp",
        *DIGITS_ON_CPU,
        "--data.batch_size",
        16,
        "--trainer.max_epochs",
        2,
        "--checkpoint_every",
        100,
    ]
    training_step = zoo.tasks.Task.training_step

    def bad(self: LightningModule, batch: Any, batch_idx: int) -> torch.Tensor:
        loss: torch.Tensor = training_step(self, batch, batch_idx)  # type: ignore[arg-type]
        return loss * float("nan") if self.trainer.global_step == 70 else loss

    monkeypatch.setattr(zoo.tasks.Task, "training_step", bad)
    done = zoo_command(*words)
    assert done.code == 2
    assert "a gradient is not finite at step 71 (epoch 1, batch 71)" in done.err
    assert max(seen) > 1


def test_checkpoints_by_steps_come_when_they_are_due(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = turns(monkeypatch)
    every = ModelCheckpoint(tmp_path, filename="{step}", every_n_train_steps=10, save_top_k=-1)
    fit("slp", digits(batch_size=16), every, FastSteps(), steps=45)
    assert sorted(path.name for path in tmp_path.glob("*.ckpt")) == [f"step={n}.ckpt" for n in (10, 20, 30, 40)]
    assert max(seen) > 1


def test_a_signal_is_noticed_at_the_end_of_a_turn(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)

    class Interrupted(ExactResume):
        def on_quick_step_end(self, trainer: Trainer, loss: torch.Tensor) -> None:
            super().on_quick_step_end(trainer, loss)
            if trainer.global_step == 30:
                signal.raise_signal(signal.SIGINT)

    with pytest.raises(SystemExit):
        fit("slp", digits(batch_size=1), Interrupted("last.ckpt"), FastSteps(steps=20), steps=5000)
    assert load("last.ckpt")["global_step"] == 41  # the first step goes alone


@needs_compiler
@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--model.l2", 0.001, "--trainer.gradient_clip_val", 0.5],
        ["--trainer.accumulate_grad_batches", 3, "--model.optimizer", "Adam", "--model.lr", 1e-3, "--model.dropout", 0],
        ["--trainer.precision", "bf16-mixed", "--trainer.max_epochs", 1, "--trainer.limit_train_batches", 5],
        ["--trainer.precision", "64-true", "--model.warmup_steps", 30],
        ["--steps_per_execution", 4, "--model.dropout", 0],
    ],
)
def test_compiled_steps_give_the_same_up_to_rounding(
    options: list[object], zoo_command: Command, torture: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    graphs, compile_ = set(), FusedSteps.compile

    def noted(self: FusedSteps, batches: Any) -> Any:
        graphs.add(len(batches))
        return compile_(self, batches)

    monkeypatch.setattr(FusedSteps, "compile", noted)
    words = ["fit", "ffnn", *DIGITS_ON_CPU, "--trainer.max_epochs", 3, "--model.hidden_dim", 8, *options]
    without = [word for word in words if word not in ("--steps_per_execution", 4)]
    plain = zoo_command(*without, "--out", "plain")
    compiled = zoo_command(*words, "--out", "compiled", "--compile")
    assert compiled.code == plain.code == 0, compiled.err
    assert "the steps were compiled in" in compiled.out
    assert (len(graphs) > 1) == ("--steps_per_execution" in options)  # one for a step, one for four
    before, after = (load(f"{out}/ffnn-digits/1/{LAST}") for out in ("plain", "compiled"))
    assert before["global_step"] == after["global_step"]
    assert torture.equal(before["loops"], after["loops"])
    for key, value in before["state_dict"].items():
        # Three epochs in single precision, whose rounding grows with each step; or five steps in half precision.
        atol = 5e-3 if "bf16-mixed" in options else 1e-4
        torch.testing.assert_close(value, after["state_dict"][key], rtol=0, atol=atol)
    assert any(not value.equal(after["state_dict"][key]) for key, value in before["state_dict"].items())


@pytest.mark.parametrize(
    ("name", "options", "reason"),
    [
        ("lstm", ["--model.hidden_dim", 4], "torch's compiler does not know the backward of nn.LSTM"),
        ("ffnn", ["--trainer.accumulate_grad_batches", 2], "each batch of an accumulated step has random numbers"),
        ("slp", ["--data.augment", "true"], "Digits prepares batches differently each time"),
        ("mlp", ["--model.lr_scheduler", "OneCycleLR", "--model.lr_scheduler_args", "{max_lr: 0.2}"], "settings"),
    ],
)
def test_what_cannot_be_compiled_is_said(
    name: str, options: list[object], reason: str, zoo_command: Command, torture: ModuleType
) -> None:
    words = ["fit", name, *DIGITS_ON_CPU, "--trainer.max_epochs", 2, *options]
    plain = zoo_command(*words, "--out", "plain")
    compiled = zoo_command(*words, "--out", "compiled", "--compile")
    assert compiled.code == plain.code == 0, compiled.err
    assert "steps are not compiled: " in compiled.out
    assert reason in compiled.out
    before, after = (load(f"{out}/{name}-digits/1/{LAST}") for out in ("plain", "compiled"))
    assert torture.equal(before["state_dict"], after["state_dict"])
