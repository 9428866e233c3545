"""A checkpoint is data with a schema: what differs from it is named in one line, by each command alike."""

from __future__ import annotations

import copy
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import Command
from PIL import Image
from tokenizers import Tokenizer
from tokenizers.models import WordLevel

import zoo
from zoo.checkpoints.reading import read_checkpoint
from zoo.commands.cli import main

SHORT = ("--trainer.limit_train_batches", "2", "--trainer.enable_model_summary", "false")
Change = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run with a state of each kind: an optimizer's, a schedule's, callbacks'."""
    folder = tmp_path_factory.mktemp("whole")
    schedule = ("--model.lr_scheduler", "ReduceLROnPlateau", "--patience", "3", "--model.hidden_dim", "8")
    words = ("fit", "ffnn", "--data", "digits", "--model.optimizer", "Adam", "--trainer.max_epochs", "2")
    assert main([*words, *schedule, *SHORT, "--out", str(folder), "--name", "x"]) == 0
    return folder


@pytest.fixture
def checkpoint(whole: Path) -> dict[str, Any]:
    """Its checkpoint, to change."""
    return torch.load(whole / "x/1/checkpoints/last.ckpt", weights_only=True)


def put(*keys: Any, to: Any) -> Change:
    """Return a change that puts something into a place."""

    def change(checkpoint: dict[str, Any]) -> None:
        for key in keys[:-1]:
            checkpoint = checkpoint[key]
        checkpoint[keys[-1]] = to

    return change


def without(*keys: Any) -> Change:
    """Return a change that takes something away."""

    def change(checkpoint: dict[str, Any]) -> None:
        for key in keys[:-1]:
            checkpoint = checkpoint[key]
        del checkpoint[keys[-1]]

    return change


def laughs() -> Any:
    """Return lists of lists, a few in memory and 10**30 written out."""
    value: Any = ["ha"]
    for _ in range(15):
        value = [value] * 100
    return value


DIGIT = {"name": "Digit", "size": 28, "channels": 1, "padding": 0}

AT_THE_DOOR: dict[str, tuple[Change, str]] = {
    "zoo is a list": (put("zoo", to=[]), "zoo is a list, expected a dictionary"),
    "no model": (without("zoo", "model"), "zoo.model is None, expected text"),
    "model is a number": (put("zoo", "model", to=3), "zoo.model is 3, expected text"),
    "data is a list": (put("zoo", "data", to=["x"]), "zoo.data is a list, expected text"),
    "key of weights": (put("state_dict", 3, to=torch.zeros(1)), "a key of state_dict is 3, expected text"),
    "weight is a number": (put("state_dict", "output_projection.bias", to=1.0), "state_dict.output_projection.bias is"),
    "weight is missing": (without("state_dict", "output_projection.bias"), "state_dict.output_projection.bias is None"),
    "another weight": (put("state_dict", "more", to=torch.zeros(1)), "state_dict.more is (1,), expected None"),
    "shape": (put("state_dict", "output_projection.bias", to=torch.zeros(3)), "is (3,), expected (10,)"),
    "complex": (
        put("state_dict", "output_projection.bias", to=torch.zeros(10).cfloat()),
        "expected a dense tensor of real numbers",
    ),
    "sparse": (
        put("state_dict", "output_projection.bias", to=torch.zeros(10).to_sparse()),
        "expected a dense tensor of real numbers",
    ),
    "huge view": (put("state_dict", "output_projection.bias", to=torch.zeros(1).expand(2**40)), "is (1099511627776,)"),
    "epoch": (put("epoch", to="1"), "epoch is the text '1'"),
    "negative epoch": (put("epoch", to=-1), "epoch is -1"),
    "huge epoch": (put("epoch", to=10**40), "epoch is a huge number"),
    "true epoch": (put("epoch", to=True), "epoch is True"),
    "step": (put("global_step", to=1.5), "global_step is 1.5"),
    "no version": (without("pytorch-lightning_version"), "pytorch-lightning_version is None"),
    "strange version": (put("pytorch-lightning_version", to="x.y"), "pytorch-lightning_version is the text 'x.y'"),
    "old version": (put("pytorch-lightning_version", to="0.0.1"), "expected a version of Lightning"),
    "version is a list": (put("pytorch-lightning_version", to=[2]), "pytorch-lightning_version is a list"),
    "hyperparameters": (put("hyper_parameters", to=None), "hyper_parameters is None, expected a dictionary"),
    "key of hyperparameters": (put("hyper_parameters", 1, to=1), "a key of hyper_parameters is 1"),
    "text for a number": (put("hyper_parameters", "hidden_dim", to="8"), "hyper_parameters.hidden_dim is the text '8'"),
    "list for a number": (put("hyper_parameters", "lr", to=[1]), "hyper_parameters.lr is a list, expected float"),
    "number for text": (put("hyper_parameters", "optimizer", to=5), "hyper_parameters.optimizer is 5, expected str"),
    "tensor": (put("hyper_parameters", "lr", to=torch.ones(1)), "hyper_parameters.lr is a tensor"),
    "rate is NaN": (put("hyper_parameters", "lr", to=float("nan")), "lr must be a finite number"),
    "many layers": (put("hyper_parameters", "num_hidden", to=10**9), "hyper_parameters.num_hidden is 1000000000"),
    "wide layers": (put("hyper_parameters", "hidden_dim", to=10**9), "state_dict."),
    "wider layers": (put("hyper_parameters", "hidden_dim", to=2**62), "'ffnn' cannot be built"),
    "unknown argument": (put("hyper_parameters", "x", to=1), "takes no argument 'x'"),
    "data arguments": (put("datamodule_hyper_parameters", to=[]), "datamodule_hyper_parameters is a list"),
    "no data arguments": (put("datamodule_hyper_parameters", to=None), "datamodule_hyper_parameters is None"),
    "size of validation": (put("datamodule_hyper_parameters", "val_size", to=[1]), "val_size is a list"),
    "huge batch": (put("datamodule_hyper_parameters", "batch_size", to=10**12), "batch_size is 1000000000000"),
    "no transform of ours": (put("zoo", "transform", to={"name": "os.system"}), "unknown transform 'os.system'"),
    "transform is a list": (put("zoo", "transform", to=[1]), "zoo.transform is a list"),
    "another kind": (
        put("zoo", "transform", to={"name": "Text", "tokenizer": Tokenizer(WordLevel({"a": 0}, "a")).to_str()}),
        "makes text inputs, expected image inputs",
    ),
    "longer rows": (
        put("zoo", "transform", to={"name": "Row", "features": 785}),
        "makes inputs of shape (785,), which the network does not accept",
    ),
    "another shape": (put("zoo", "transform", to={"name": "Photo"}), "of shape (3, 32, 32)"),
    "size 0": (put("zoo", "transform", to={**DIGIT, "size": 0}), "size from 1 to 4096, got '0'"),
    "size -1": (put("zoo", "transform", to={**DIGIT, "size": -1}), "got '-1'"),
    "size 1e9": (put("zoo", "transform", to={**DIGIT, "size": 10**9}), "got '1000000000'"),
    "size is NaN": (put("zoo", "transform", to={**DIGIT, "size": float("nan")}), "got 'nan'"),
    "size is text": (put("zoo", "transform", to={**DIGIT, "size": "28"}), "got '28'"),
    "size is true": (put("zoo", "transform", to={**DIGIT, "size": True}), "got 'True'"),
    "no text's": (put("zoo", "transform", to={"name": "Text", "tokenizer": "{}"}), "the JSON of a tokenizer"),
    "more in a transform": (put("zoo", "transform", "x", to=1), "takes no argument 'x'"),
    "three classes": (put("zoo", "classes", to=["a", "b", "c"]), "zoo.classes has 3 names, expected 10"),
    "classes are tensors": (put("zoo", "classes", to=[torch.zeros(1)] * 10), "zoo.classes[0] is a tensor"),
    "classes are text": (put("zoo", "classes", to="0123456789"), "zoo.classes is the text"),
    "measured": (put("measured", to={}), "measured is a dict, expected a list"),
    "measured by rank": (put("measured", to=[5]), "measured[0] is 5"),
    "counts": (put("measured", 0, "counts", to=[]), "measured[0].counts is a list"),
    "shape of counts": (
        put("measured", 0, "counts", "train/loss", "mean_value", to=torch.zeros(3)),
        "measured[0].counts.train/loss.mean_value is a tensor of shape (3,)",
    ),
    "batches": (put("measured", 0, "batches", to=[[torch.zeros(1)]]), "measured[0].batches does not contain losses"),
    "targets": (
        put("measured", 0, "batches", to=[[torch.zeros(()), torch.zeros(2, 10), torch.tensor([0, 10])]]),
        "measured[0].batches",
    ),
    "outputs": (
        put("measured", 0, "batches", to=[[torch.zeros(()), torch.zeros(2, 3), torch.tensor([0, 1])]]),
        "measured[0].batches",
    ),
    "exact_resume": (put("exact_resume", to=[]), "exact_resume is a list"),
    "seconds": (put("exact_resume", "seconds", to="x"), "exact_resume.seconds is the text"),
    "checksum": (put("exact_resume", "checksum", to=1), "exact_resume.checksum is 1, expected text"),
    "metrics": (put("exact_resume", "epoch_metrics", to={"a": "b"}), "exact_resume.epoch_metrics.a is the text"),
    "loops": (put("loops", to=[]), "loops is a list"),
    "callbacks": (put("callbacks", to=[1]), "callbacks is a list"),
    "a callback": (put("callbacks", "x", to=1), "callbacks.x is 1"),
    "optimizers": (put("optimizer_states", to={}), "optimizer_states is a dict"),
    "an optimizer": (put("optimizer_states", 0, to=1), "optimizer_states[0] is 1"),
    "groups": (put("optimizer_states", 0, "param_groups", to=3), "optimizer_states[0].param_groups is 3"),
    "schedules": (put("lr_schedulers", to="x"), "lr_schedulers is the text"),
    "a loop of lists": (put("callbacks", "x", to={"a": laughs()}), "has too many values"),
    "huge number": (put("callbacks", "x", to={"a": 10**30}), "callbacks.x.a is a huge number"),
}


@pytest.mark.parametrize(("change", "told"), AT_THE_DOOR.values(), ids=AT_THE_DOOR.keys())
def test_a_checkpoint_is_checked_whole_at_the_door(change: Change, told: str, checkpoint: dict[str, Any]) -> None:
    change(checkpoint)
    torch.save(checkpoint, "x.ckpt")
    with pytest.raises(zoo.ZooError) as problem:
        read_checkpoint("x.ckpt")
    assert str(problem.value).startswith("x.ckpt is damaged: ")
    assert told in str(problem.value)
    assert "\n" not in str(problem.value)
    assert len(str(problem.value)) < 500


def test_each_command_stands_behind_the_door(checkpoint: dict[str, Any], zoo_command: Command) -> None:
    Image.new("L", (28, 28)).save("x.png")
    checkpoint["zoo"]["classes"] = ["a"]
    torch.save(checkpoint, "x.ckpt")
    for words in (
        ("test", "--ckpt", "x.ckpt"),
        ("predict", "--ckpt", "x.ckpt", "x.png"),
        ("export", "--ckpt", "x.ckpt", "--format", "safetensors", "--out", "m"),
        ("fit", "ffnn", "--data", "digits", "--ckpt_path", "x.ckpt"),
    ):
        done = zoo_command(*words)
        assert done.code == 2
        assert done.err == "zoo: error: x.ckpt is damaged: zoo.classes has 1 names, expected 10, one per output\n"


def test_a_list_that_holds_itself(checkpoint: dict[str, Any]) -> None:
    checkpoint["callbacks"]["x"] = {"a": (endless := [])}
    endless.append(endless)
    torch.save(checkpoint, "x.ckpt")
    with pytest.raises(zoo.ZooError, match="nested too deeply"):
        read_checkpoint("x.ckpt")


def test_what_older_checkpoints_lack(checkpoint: dict[str, Any]) -> None:
    x = torch.rand(3, 1, 28, 28)
    torch.save(checkpoint, "new.ckpt")
    for part in ("measured", "exact_resume", "loops", "callbacks", "optimizer_states", "lr_schedulers"):
        del checkpoint[part]
    checkpoint["zoo"] = {"model": checkpoint["zoo"]["model"], "data": None}
    torch.save(checkpoint, "old.ckpt")
    assert torch.equal(zoo.load_model("old.ckpt")(x), zoo.load_model("new.ckpt")(x))


def test_an_archive_that_unpacks_to_any_size(checkpoint: dict[str, Any]) -> None:
    torch.save(checkpoint, "x.ckpt")
    with zipfile.ZipFile("x.ckpt") as stored, zipfile.ZipFile("y.ckpt", "w", zipfile.ZIP_DEFLATED) as packed:
        for name in stored.namelist():
            packed.writestr(name, stored.read(name))
    with pytest.raises(zoo.ZooError, match="is not a checkpoint, or is damaged"):
        read_checkpoint("y.ckpt")


FIT_LOOP = ("loops", "fit_loop")
ADAM = ("optimizer_states", 0)
STOPPING = "EarlyStopping{'monitor': 'val/loss', 'mode': 'min'}"
BEST = (
    "ModelCheckpoint{'monitor': 'val/loss', 'mode': 'min', 'every_n_train_steps': 0, 'every_n_epochs': 1, "
    "'train_time_interval': None}"
)


def of_sgd(checkpoint: dict[str, Any]) -> None:
    model = torch.nn.Linear(2, 2)
    checkpoint["optimizer_states"] = [torch.optim.SGD(model.parameters(), 0.1, momentum=0.9).state_dict()]


def of_another_network(checkpoint: dict[str, Any]) -> None:
    for state in checkpoint["optimizer_states"][0]["state"].values():
        state["exp_avg"] = torch.zeros(3, 3)


BEFORE_A_RUN_GOES_ON: dict[str, tuple[Change, str]] = {
    "no loops": (without("loops"), "has weights, but no loops"),
    "no optimizer": (without("optimizer_states"), "has weights, but no optimizer_states"),
    "no schedule": (without("lr_schedulers"), "has weights, but no lr_schedulers"),
    "no callbacks": (without("callbacks"), "has weights, but no callbacks"),
    "of SGD": (of_sgd, "optimizer_states[0] does not fit this run"),
    "of another network": (of_another_network, "optimizer_states[0] does not fit this run"),
    "two optimizers": (put("optimizer_states", to=[]), "optimizer_states has 0"),
    "betas": (put(*ADAM, "param_groups", 0, "betas", to="x"), "optimizer_states[0] does not fit"),
    "no rate": (without(*ADAM, "param_groups", 0, "lr"), "optimizer_states[0] does not fit"),
    "no such parameter": (put(*ADAM, "param_groups", 0, "params", to=[7]), "optimizer_states[0] does not fit"),
    "step": (put(*ADAM, "state", 0, "step", to="x"), "optimizer_states[0] does not fit"),
    "schedules": (put("lr_schedulers", to=[]), "lr_schedulers has 0"),
    "best of the schedule": (put("lr_schedulers", 0, "best", to="x"), "lr_schedulers[0].best is the text"),
    "method of the schedule": (put("lr_schedulers", 0, "step", to=1), "lr_schedulers[0] must not have 'step'"),
    "optimizer of the schedule": (put("lr_schedulers", 0, "optimizer", to=1), "must not have 'optimizer'"),
    "factor": (put("lr_schedulers", 0, "factor", to=[]), "lr_schedulers[0].factor is a list"),
    "fit_loop": (put(*FIT_LOOP, to={}), "loops.fit_loop.state_dict is None"),
    "progress": (put(*FIT_LOOP, "epoch_progress", to=5), "loops.fit_loop.epoch_progress is 5"),
    "epoch": (put(*FIT_LOOP, "epoch_progress", "current", "completed", to=0), "expected the checkpoint's epoch"),
    "negative": (put(*FIT_LOOP, "epoch_progress", "current", "ready", to=-3), "current.ready is -3"),
    "text": (put(*FIT_LOOP, "epoch_loop.batch_progress", "total", "ready", to="x"), "total.ready is the text"),
    "more ended": (put(*FIT_LOOP, "epoch_progress", "current", "ready", to=0), "counts more ends than starts"),
    "method": (put(*FIT_LOOP, "epoch_progress", "current", "reset", to=0), "must not have 'reset'"),
    "steps": (put("global_step", to=7), "the number of steps is 4"),
    "loaders": (put(*FIT_LOOP, "state_dict", "combined_loader", to=[]), "combined_loader has several loaders"),
    "loader": (
        put(*FIT_LOOP, "state_dict", "combined_loader", to=[{"epoch": 1}]),
        "combined_loader[0].batches is None",
    ),
    "last batch": (put(*FIT_LOOP, "epoch_loop.batch_progress", "is_last_batch", to="x"), "is_last_batch is the text"),
    "stopping": (put("callbacks", STOPPING, "wait_count", to="x"), "wait_count is the text"),
    "stopping without": (without("callbacks", STOPPING, "patience"), "does not fit this run"),
    "score": (put("callbacks", STOPPING, "best_score", to=None), "best_score is None"),
    "reason": (put("callbacks", STOPPING, "stopping_reason", to=99), "does not fit this run"),
    "best": (put("callbacks", BEST, "best_model_path", to=5), "best_model_path is 5"),
    "best score": (put("callbacks", BEST, "best_model_score", to="x"), "best_model_score is the text"),
    "others' files": (put("callbacks", BEST, "kth_best_model_path", to="../../x"), "the path of a checkpoint"),
    "others' models": (
        put("callbacks", BEST, "best_k_models", to={"../x": torch.zeros(())}),
        "the path of a checkpoint",
    ),
    "other optimizer": (put("hyper_parameters", "optimizer", to="AdamW"), "with the optimizer AdamW, not Adam"),
}


@pytest.mark.parametrize(("change", "told"), BEFORE_A_RUN_GOES_ON.values(), ids=BEFORE_A_RUN_GOES_ON.keys())
def test_a_run_goes_on_from_what_fits_it(
    change: Change, told: str, checkpoint: dict[str, Any], whole: Path, zoo_command: Command
) -> None:
    shutil.copytree(whole, "runs")
    ckpt = Path("runs/x/1/checkpoints/last.ckpt")
    ckpt.with_name("best.ckpt").unlink()
    change(checkpoint)
    torch.save(checkpoint, ckpt)
    before = {path: path.stat().st_mtime_ns for path in Path("runs").rglob("[!.]*")}
    done = zoo_command("fit", "ffnn", "--name", "x", "--ckpt_path", "last", "--trainer.max_epochs", "3", *SHORT)
    assert done.code == 2, done.out
    assert done.err.count("\n") == 1, done.err
    assert told in done.err
    assert {path: path.stat().st_mtime_ns for path in Path("runs").rglob("[!.]*")} == before


def test_a_run_goes_on_from_its_own(whole: Path, checkpoint: dict[str, Any], zoo_command: Command) -> None:
    shutil.copytree(whole, "runs")
    before = copy.deepcopy(checkpoint)
    done = zoo_command("fit", "ffnn", "--name", "x", "--ckpt_path", "last", "--trainer.max_epochs", "3", *SHORT)
    assert done.code == 0, done.err
    after = torch.load("runs/x/1/checkpoints/last.ckpt", weights_only=True)
    assert after["epoch"] == before["epoch"] + 1
