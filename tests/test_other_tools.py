"""The zoo's parts with other people's tools: Lightning's command line, Trainer, Tuner and Fabric, torch's loaders."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jsonargparse
import pytest
import torch
from conftest import PATIENCE, REPOSITORY
from jsonargparse import ArgumentParser
from lightning.fabric import Fabric
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import BasePredictionWriter
from lightning.pytorch.cli import LightningCLI
from lightning.pytorch.tuner import Tuner
from stand_ins import example, quiet_trainer, stand_in
from torch import Tensor
from torch.utils.data import ConcatDataset, DataLoader, Subset, TensorDataset, random_split

import zoo
from zoo.datamodules import Digits
from zoo.datamodules.common import DataModule
from zoo.factory import datamodule_class, model_class
from zoo.tasks import Task

every_network = pytest.mark.parametrize("name", zoo.list_models())


def shape_options(data: DataModule) -> list[str]:
    """The options of the digits' shape, for a command line."""
    given = data.hparams if isinstance(data, Digits) else {}
    return [f"--data.{key}={given[key]}" for key in ("channels", "image_size") if key in given]


SHORT = ("--trainer.max_steps=2", "--trainer.limit_val_batches=1", "--trainer.enable_progress_bar=false")
QUIET = (*SHORT, "--trainer.accelerator=cpu", "--trainer.logger=false", "--trainer.enable_model_summary=false")

pytestmark = [
    pytest.mark.filterwarnings("ignore:LightningCLI's args parameter is intended"),
    pytest.mark.filterwarnings("ignore:Checkpoint directory"),
]


# LightningCLI


@every_network
def test_lightnings_own_command_line_takes_a_network_and_data(name: str, tmp_path: Path) -> None:
    data = stand_in(zoo.create_model(name))
    args = [*QUIET, "--model.l2=0.125", "--model.lr=0.01", *shape_options(data), "--data.batch_size=8"]
    cli = LightningCLI(model_class(name), type(data), run=False, args=args)
    assert cli.model.hparams == zoo.create_model(name, l2=0.125, lr=0.01).hparams
    assert cli.datamodule.batch_size == cli.datamodule.hparams["batch_size"] == 8
    cli.trainer.fit(cli.model, cli.datamodule)
    assert cli.trainer.global_step == 2
    cli.trainer.save_checkpoint(tmp_path / "cli.ckpt")
    for again in (zoo.load_model(tmp_path / "cli.ckpt"), model_class(name).load_from_checkpoint(tmp_path / "cli.ckpt")):
        assert again.hparams == cli.model.hparams
        assert all(torch.equal(value, cli.model.state_dict()[key]) for key, value in again.state_dict().items())


@every_network
def test_lightnings_own_command_line_takes_any_network_by_its_class(name: str, tmp_path: Path) -> None:
    cls, data = model_class(name), stand_in(zoo.create_model(name))
    words = [
        *QUIET,
        f"--trainer.default_root_dir={tmp_path}",
        f"--model={cls.__module__}.{cls.__name__}",
        "--model.optimizer=AdamW",
        "--model.optimizer_args={weight_decay: 0.5}",
        f"--data={type(data).__module__}.{type(data).__name__}",
        *shape_options(data),
    ]
    modes = {"subclass_mode_model": True, "subclass_mode_data": True}
    cli = LightningCLI(Task, DataModule, args=["fit", *words], **modes)
    assert type(cli.model) is cls
    assert cli.model.hparams["optimizer_args"] == {"weight_decay": 0.5}
    assert cli.trainer.optimizers[0].param_groups[0]["weight_decay"] == 0.5
    again = LightningCLI(
        Task,
        DataModule,
        args=["fit", f"--config={tmp_path / 'config.yaml'}", "--trainer.callbacks=null"],
        **modes,
        save_config_callback=None,
    )
    assert again.model.hparams == cli.model.hparams


# Trainer


@every_network
def test_every_method_of_the_trainer_takes_a_network_and_data(name: str) -> None:
    model, data = zoo.create_model(name), stand_in(zoo.create_model(name))
    trainer = quiet_trainer(limit_train_batches=2, limit_val_batches=1, limit_test_batches=1, limit_predict_batches=1)
    trainer.fit(model, data)
    assert {"train/loss", "val/loss"} <= trainer.callback_metrics.keys()
    for method, split in ((trainer.validate, "val"), (trainer.test, "test")):
        (results,) = method(model, data, verbose=False)
        assert all(key.startswith(f"{split}/") and value == value for key, value in results.items())
        assert len(results) == 2
    (predictions,) = trainer.predict(model, data)
    assert len(predictions) == min(500, len(data.splits["test"]))


@every_network
def test_predict_gives_every_test_example_once_in_order(name: str) -> None:
    model, data = zoo.create_model(name), stand_in(zoo.create_model(name))
    trainer = quiet_trainer()
    predictions = torch.cat(trainer.predict(model, data))
    examples = data.splits["test"]
    x, _ = examples.batch(list(range(len(examples))))
    assert torch.allclose(predictions, model.predict(data.scale(x)).values, atol=1e-6)
    with_y, alone = (torch.cat(trainer.predict(model, loader)) for loader in loaders(data.scale(x)))
    assert torch.equal(with_y, alone)
    assert torch.allclose(with_y, predictions, atol=1e-6)


def loaders(x: Tensor) -> tuple[DataLoader[Any], DataLoader[Any]]:
    """Loaders of the same inputs, with targets and alone, in batches of which the last one has one example less."""
    return DataLoader(TensorDataset(x, torch.zeros(len(x))), 7), DataLoader(x, 7)  # type: ignore[arg-type]


@every_network
def test_predict_over_tuples_of_inputs_alone(name: str) -> None:
    model = zoo.create_model(name)
    x, _ = example(model, 10)
    given = quiet_trainer().predict(model, DataLoader(TensorDataset(x), batch_size=10))
    assert torch.allclose(torch.cat(given), model.predict(x).values, atol=1e-6)


class Writer(BasePredictionWriter):
    def __init__(self, path: Path) -> None:
        super().__init__("epoch")
        self.path = path

    def write_on_epoch_end(
        self, trainer: Trainer, pl_module: LightningModule, predictions: Sequence[Any], batch_indices: Sequence[Any]
    ) -> None:
        rows = [index for batches in batch_indices for batch in batches for index in batch]
        torch.save(
            {"rows": torch.tensor(rows), "values": torch.cat(list(predictions))}, f"{self.path}.{trainer.global_rank}"
        )


SHARED = """
import sys
import torch
from lightning.pytorch import Trainer
sys.path.insert(0, {tests!r})
from test_other_tools import Writer, reviews
import zoo

if __name__ == "__main__":
    torch.manual_seed(0)
    ranks = int(sys.argv[1])
    for name, data in (("slp", zoo.create_datamodule("digits")), ("bilstm_sentiment", reviews())):
        trainer = Trainer(
            accelerator="cpu", devices=ranks, strategy="ddp", logger=False, enable_progress_bar=False,
            callbacks=[Writer(f"{{name}}-{{ranks}}")],
        )
        trainer.predict(zoo.create_model(name), data, return_predictions=False)
"""


def reviews() -> Any:
    """Texts of different lengths, which the sampler of reviews sorts by length, as a data module."""
    from zoo.datamodules.common.text_examples import BucketSampler, Texts

    class Reviews(Digits):
        kind = "text"
        sampler = BucketSampler
        scale = DataModule.scale

        def load_splits(self) -> Any:
            generator = torch.Generator().manual_seed(0)
            lengths = torch.randint(1, 30, (31,), generator=generator)
            ids = torch.randint(1, 10_000, (int(lengths.sum()),), generator=generator)
            texts = Texts(ids, lengths, torch.arange(31) % 2)
            return {"train": texts, "val": texts, "test": texts}

        def model_arguments(self) -> dict[str, int | bool]:
            return {}

    return Reviews()


def run_script(code: str, folder: Path, *words: str) -> str:
    (folder / "script.py").write_text(code.format(tests=str(REPOSITORY / "tests")), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "script.py", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_two_processes_predict_what_one_does(tmp_path: Path) -> None:
    for ranks in (1, 2):
        run_script(SHARED, tmp_path, str(ranks))
    for name, size in (("slp", 360), ("bilstm_sentiment", 31)):
        alone = torch.load(tmp_path / f"{name}-1.0")
        assert alone["rows"].tolist() == list(range(size))
        shares = [torch.load(tmp_path / f"{name}-2.{rank}") for rank in range(2)]
        assert [share["rows"].tolist() for share in shares] == [list(range(rank, size, 2)) for rank in range(2)]
        together = torch.zeros_like(alone["values"])
        for share in shares:
            together[share["rows"]] = share["values"]
        assert torch.allclose(together, alone["values"], atol=1e-6)


def test_overfitting_a_batch_lives_with_lightnings_sampler() -> None:
    torch.manual_seed(0)
    model = zoo.create_model("mlp")
    data = zoo.create_datamodule("digits")
    (losses,) = quiet_trainer().validate(model, data, verbose=False)
    trainer = quiet_trainer(overfit_batches=1, max_epochs=30)
    trainer.fit(model, data)
    assert trainer.global_step == 30
    assert trainer.callback_metrics["train/loss"] < 0.5 * losses["val/loss"]


@pytest.mark.parametrize("augment", [False, True])
def test_loaders_handed_over_give_the_weights_that_the_data_module_gives(augment: bool) -> None:
    def trained(by_hand: bool) -> Tensor:
        torch.manual_seed(0)
        model, data = zoo.create_model("slp"), zoo.create_datamodule("digits", augment=augment)
        trainer = quiet_trainer(max_epochs=2)
        if by_hand:
            data.setup()
            trainer.fit(model, data.train_dataloader(), data.val_dataloader())
            trainer.test(model, data.test_dataloader(), verbose=False)
            trainer.predict(model, data.predict_dataloader())
        else:
            trainer.fit(model, data)
            Trainer(logger=False, accelerator="cpu").test(model, data.test_dataloader(), verbose=False)
        return model.fc.weight.detach()

    assert torch.equal(trained(by_hand=True), trained(by_hand=False))


@pytest.mark.parametrize(
    "limits", [{"max_epochs": 3}, {"max_steps": 45, "max_epochs": -1, "accumulate_grad_batches": 2}]
)
def test_a_callback_sees_the_metrics_of_the_epoch_that_ends(limits: dict[str, int]) -> None:
    class Look(Callback):
        def __init__(self) -> None:
            self.seen: list[float] = []
            self.measured: list[float] = []

        def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
            self.seen.append(float(trainer.callback_metrics["train/loss"]))

        def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
            self.measured += [float(trainer.callback_metrics["train/loss"])] if trainer.current_epoch else []

        def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
            self.measured.append(float(trainer.callback_metrics["train/loss"]))

    look = Look()
    quiet_trainer(callbacks=[look], **limits).fit(zoo.create_model("slp"), zoo.create_datamodule("digits"))
    assert look.seen == look.measured
    assert len(set(look.seen)) == len(look.seen) >= 3


# Tuner


@every_network
def test_the_tuner_finds_a_rate_and_a_batch_size(name: str) -> None:
    model, data = zoo.create_model(name), stand_in(zoo.create_model(name))
    tuner = Tuner(quiet_trainer(max_epochs=9))
    found = tuner.lr_find(model, data, max_lr=1e-4, num_training=5, early_stop_threshold=None, update_attr=False)
    assert found is not None
    assert len(found.results["lr"]) == 5
    for method in ("fit", "predict"):
        size = Tuner(quiet_trainer()).scale_batch_size(model, datamodule=data, method=method, max_trials=2, init_val=2)
        assert data.batch_size == size  # Lightning takes the whole of a small data set


# Fabric, and loops of one's own


@every_network
def test_fabric_trains_a_network(name: str) -> None:
    torch.manual_seed(0)
    model, data = zoo.create_model(name), stand_in(zoo.create_model(name))
    data.setup()
    fabric = Fabric(accelerator="cpu", devices=1)
    wrapped, optimizer = fabric.setup(model, torch.optim.SGD(model.parameters(), lr=1e-3))
    loader = fabric.setup_dataloaders(data.train_dataloader())
    before = {key: value.clone() for key, value in model.state_dict().items()}
    for index, batch in enumerate(loader):
        loss = wrapped.training_step(batch, index)
        optimizer.zero_grad()
        fabric.backward(loss)
        optimizer.step()
        if index == 2:
            break
    assert any(not torch.equal(value, before[key]) for key, value in model.state_dict().items())


FABRIC = """
from pathlib import Path
import torch
from lightning.fabric import Fabric
import zoo

if __name__ == "__main__":
    fabric = Fabric(accelerator="cpu", devices=2, strategy="ddp")
    early = zoo.create_datamodule("digits", val_size=0)
    early.setup()
    too_early = early.train_dataloader()
    fabric.launch()
    torch.manual_seed(0)
    data = zoo.create_datamodule("digits", val_size=0, batch_size=32)
    data.setup()
    model = zoo.create_model("linear", in_dim=784)
    model, optimizer = fabric.setup(model, torch.optim.SGD(model.parameters(), lr=1e-6))
    seen = 0
    for index, (x, y) in enumerate(fabric.setup_dataloaders(data.train_dataloader())):
        optimizer.zero_grad()
        fabric.backward(model.training_step((x.flatten(1), y.unsqueeze(1).float()), index))
        optimizer.step()
        seen += len(y)
    tested = sum(len(y) for _, y in data.test_dataloader())
    told = f"{{seen}} {{tested}} {{float(model.mdl.weight.detach().sum()):.6f}}"
    try:
        next(iter(too_early))
    except zoo.ZooError as error:
        told += f"\\n{{error}}"
    Path(f"rank-{{fabric.global_rank}}").write_text(told)  # they share one stdout
"""


def test_fabric_shares_the_examples_among_processes(tmp_path: Path) -> None:
    run_script(FABRIC, tmp_path)
    told = [(tmp_path / f"rank-{rank}").read_text(encoding="utf-8") for rank in range(2)]
    lines = [text.split() for text in told]
    assert [line[:2] for line in lines] == [["718", "180"]] * 2  # one of 1,437 is left out in training
    torch.manual_seed(0)
    data = zoo.create_datamodule("digits", val_size=0, batch_size=32)
    data.setup()
    alone = zoo.create_model("linear", in_dim=784, lr=1e-6)
    optimizer = alone.configure_optimizers()
    for index, (x, y) in enumerate(data.train_dataloader()):
        if len(y) % 2:  # of the last batch the processes leave one out
            x, y = x[:-1], y[:-1]
        optimizer.zero_grad()
        alone.training_step((x.flatten(1), y.unsqueeze(1).float()), index).backward()
        optimizer.step()
    assert float(lines[0][2]) == float(lines[1][2]) == pytest.approx(float(alone.mdl.weight.detach().sum()), abs=1e-5)
    assert all("was made for 1 processes, but there are 2" in text for text in told)


# torch's own tools


@pytest.mark.parametrize("name", ["digits", "xor", "quadratic", "custom_function"])
def test_splits_are_data_sets_of_torch(name: str) -> None:
    data = zoo.create_datamodule(name, val_size=0)
    data.setup()
    train, test = data.splits["train"], data.splits["test"]
    x, y = train.batch(list(range(len(train))))
    x = data.scale(x)
    for index in (0, 3, -1):
        assert torch.equal(train[index][0], x[index])
        assert torch.equal(train[index][1], y[index])
    with pytest.raises(IndexError):
        train[len(train)]
    assert len(list(train)) == len(train)  # type: ignore[call-overload]
    first, second = random_split(train, [1, len(train) - 1])
    for examples in (train, Subset(train, [2, 1]), ConcatDataset([train, test]), first, second):
        images, targets = next(iter(DataLoader(examples, batch_size=2)))
        assert images.dtype == torch.float32
        assert images.shape[1:] == data.shape
        assert len(targets) == len(images)
    assert torch.equal(next(iter(DataLoader(Subset(train, [2, 1]), batch_size=2)))[0], x[[2, 1]])


@pytest.mark.skipif(
    tuple(map(int, jsonargparse.__version__.split(".")[:2])) < (4, 51),
    reason="describes no inherited options before 4.51",
)
@pytest.mark.parametrize("name", zoo.list_datamodules())
def test_every_option_of_a_data_set_is_described_in_help(name: str) -> None:
    parser = ArgumentParser(prog="tool")
    parser.add_class_arguments(datamodule_class(name), "data")
    without_plus = re.sub(r", --data\.\w+\+ \w+", "", parser.format_help())  # the second name of an option with a list
    options = without_plus.split(" --data.")[1:]
    assert {option.split()[0] for option in options} >= {"batch_size", "val_size", "seed"}
    for option in options:
        name, _, *description = option.partition("(type:")[0].split()
        assert len(description) > 1, name


def test_a_split_goes_into_other_processes_without_its_data_module() -> None:
    data = zoo.create_datamodule("digits")
    quiet_trainer(max_epochs=1).fit(zoo.create_model("slp"), data)  # which leaves a trainer behind
    loader = DataLoader(data.splits["test"], batch_size=100, num_workers=1, multiprocessing_context="spawn")
    x, _ = next(iter(loader))
    assert torch.equal(x, data.scale(data.splits["test"].batch(list(range(100)))[0]))
