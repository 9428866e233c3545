"""Runs on data of the user's own, of every kind: what they are resumed on, and tested on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from conftest import Command
from every_data import arguments_of_data
from running import LAST, ONE_EPOCH, load

import zoo

NETWORKS = {"csv": "mlp", "folder": "digits_cnn", "text": "bilstm_sentiment"}
SIZES = {"csv": "43 train, 5 val, 12 test", "folder": "17 train, 2 val, 5 test", "text": "22 train, 2 val, 6 test"}
OTHER = "other data than in training: all of it is tested, or its test folder; --data.test_size divides it"


class Run:
    """A run of one epoch on data of a kind."""

    def __init__(self, name: str, folder: Path, zoo_command: Command) -> None:
        (folder / "own").mkdir()
        arguments = arguments_of_data(name, folder / "own")
        self.name, self.option = name, "--data.root" if name == "folder" else "--data.path"
        self.path = Path(arguments.pop("root", None) or arguments.pop("path"))
        self.options = [
            "--data",
            name,
            *(word for key, value in arguments.items() for word in (f"--data.{key}", value)),
            *("--model.lr_scheduler", "null"),  # a run with a schedule of its length cannot be made longer
        ]
        done = zoo_command("fit", NETWORKS[name], *self.options, self.option, self.path, *ONE_EPOCH)
        assert done.code == 0, done.err
        self.folder = Path("runs", f"{NETWORKS[name]}-{name}", "1")
        self.checkpoint = self.folder / LAST

    def write_other(self, size: int) -> Path:
        """Write the first of the run's examples elsewhere, with something new in each."""
        other = self.path.with_name(f"other{self.path.suffix}")
        if self.name == "folder":
            for path in (path for part in ("cat", "dog") for path in sorted((self.path / part).iterdir())[: size // 2]):
                (other / path.parent.name).mkdir(parents=True, exist_ok=True)
                (other / path.parent.name / f"new {path.name}").write_bytes(path.read_bytes())
        else:
            lines = self.path.read_text(encoding="utf-8").splitlines()[: size + 1]
            lines = [line.replace("red", "green").replace("film", "play") for line in lines]
            other.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return other

    def change(self) -> None:
        """Change an example, and not their number."""
        if self.name == "folder":
            shutil.copy(self.path / "cat" / "00.png", self.path / "cat" / "02.png")
        else:
            text = self.path.read_text(encoding="utf-8")
            self.path.write_text(text.replace("red", "green", 1).replace("truly", "hardly", 1), encoding="utf-8")


@pytest.fixture(params=NETWORKS)
def run(request: pytest.FixtureRequest, tmp_path: Path, zoo_command: Command) -> Run:
    return Run(request.param, tmp_path, zoo_command)


def test_all_of_other_data_is_tested(run: Run, zoo_command: Command) -> None:
    test = ("test", "--ckpt", run.checkpoint, "--trainer.accelerator", "cpu")
    other = run.write_other(10)
    done = zoo_command(*test, run.option, other)
    assert done.code == 0, done.err
    first, second, _, names, *rows = done.out.splitlines()
    assert f"{run.name} (10 test)" in first
    assert second.startswith(OTHER)
    assert [row.split()[0] for row in rows[: rows.index("")]] == ["test"]
    model, (_, acc) = zoo.load_model(run.checkpoint), rows[0].split()[1:3]
    assert names.split()[:2] == ["loss", "acc"]
    data = zoo.create_datamodule(run.name, **{**load(run.checkpoint)["datamodule_hyper_parameters"], "seed": 0})
    data.use_transform(model.transform)
    data.only_test = True
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(data, "folder" if run.name == "folder" else "path", other)
        data.setup()
    x, y = next(iter(data.test_dataloader()))
    with torch.no_grad():
        assert float((model(x).argmax(1) == y).float().mean()) == pytest.approx(float(acc), abs=1e-4)
    done = zoo_command(*test, run.option, other, "--data.test_size", 4, "--data.val_size", 2)
    assert done.code == 0, done.err
    assert f"{run.name} (4 train, 2 val, 4 test)" in done.out
    assert OTHER not in done.out


def test_the_data_of_the_run_is_known_wherever_it_is(run: Run, zoo_command: Command) -> None:
    moved = run.path.with_name(f"moved{run.path.suffix}")
    run.path.rename(moved)
    done = zoo_command("test", "--ckpt", run.checkpoint, run.option, moved, "--trainer.accelerator", "cpu")
    assert done.code == 0, done.err
    assert f"{run.name} ({SIZES[run.name]})" in done.out
    assert OTHER not in done.out
    results = json.loads((run.folder / "results.json").read_text(encoding="utf-8"))
    assert f"{results['metrics']['test']['acc']:.4f}" in done.out


def test_a_run_is_not_resumed_on_data_that_has_changed(run: Run, zoo_command: Command) -> None:
    longer = ("--trainer.max_epochs", 2, "--trainer.accelerator", "cpu", "--ckpt_path", "last")
    words = ("fit", NETWORKS[run.name], *run.options, run.option, run.path)
    before = run.checkpoint.read_bytes()
    run.change()
    done = zoo_command(*words, *longer)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "the data has changed since the run began, though not the number of its examples; start a new" in done.err
    assert run.checkpoint.read_bytes() == before
    done = zoo_command("test", "--ckpt", run.checkpoint, "--trainer.accelerator", "cpu")
    assert OTHER in done.out


def test_checkpoints_without_a_checksum_are_tested_and_resumed(run: Run, zoo_command: Command) -> None:
    checkpoint = load(run.checkpoint)
    assert len(checkpoint["exact_resume"].pop("checksum")) == 64
    torch.save(checkpoint, run.checkpoint)
    run.change()
    done = zoo_command("test", "--ckpt", run.checkpoint, "--trainer.accelerator", "cpu")
    assert done.code == 0, done.err
    assert f"{run.name} ({SIZES[run.name]})" in done.out
    words = ("fit", NETWORKS[run.name], *run.options, run.option, run.path)
    done = zoo_command(*words, "--trainer.max_epochs", 2, "--trainer.accelerator", "cpu", "--ckpt_path", "last")
    assert done.code == 0, done.err


@pytest.mark.parametrize(("parts", "tested"), [(("train", "val"), 24), (("train", "test"), 8)])
@pytest.mark.parametrize("name", ["folder", "text"])
def test_of_divided_folders_the_test_folder_is_tested_if_there_is_one(
    name: str, parts: tuple[str, ...], tested: int, tmp_path: Path
) -> None:
    pictures = arguments_of_data("folder", tmp_path / "pictures")["root"]
    for part, size in zip(parts, (8, 4), strict=True):
        for path in (path for kind in ("cat", "dog") for path in sorted(Path(pictures, kind).iterdir())[:size]):
            target = tmp_path / "divided" / part / path.parent.name / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            if name == "text":
                target.with_suffix(".txt").write_text(f"a {path.parent.name} text", encoding="utf-8")
            else:
                shutil.copy(path, target)
    data = zoo.create_datamodule(name, **{"root" if name == "folder" else "path": str(tmp_path / "divided")})
    data.only_test = True
    if name == "text":
        data.use_transform(zoo.create_model("bilstm_sentiment", weights="imdb").transform)
    data.setup()
    assert len(data.splits["test"]) == tested


def test_published_weights_are_tested_on_all_texts(tmp_path: Path, zoo_command: Command) -> None:
    rows = ["a wonderful film,positive", "a truly great film,positive", "a bad and boring film,negative"]
    Path("mine.csv").write_text("\n".join(["review,label", *rows]) + "\n", encoding="utf-8")
    words = ("--data", "text", "--data.path", "mine.csv", "--data.text", "review", "--data.target", "label")
    weights = ("--model", "bilstm_sentiment", "--weights", "imdb")
    done = zoo_command("test", *weights, *words, "--trainer.accelerator", "cpu")
    assert done.code == 0, done.err
    assert "text (3 test)" in done.out
    assert OTHER in done.out


def test_other_tables_need_the_inputs_and_the_target_alone(tmp_path: Path, zoo_command: Command) -> None:
    path = Path(arguments_of_data("csv", tmp_path)["path"])
    words = (
        "--data",
        "csv",
        "--data.path",
        path,
        "--data.target",
        "kind",
        "--data.drop",
        "price",
        "--data.group",
        "group",
    )
    assert zoo_command("fit", "mlp", *words, *ONE_EPOCH).code == 0
    rows = [line.split(",")[:4] for line in path.read_text(encoding="utf-8").splitlines()]
    only_a = [row for row in rows if row[3] in ("kind", "a")]  # one class, and not in the order of the training
    Path("other.csv").write_text("\n".join(",".join(row[::-1]) for row in only_a) + "\n", encoding="utf-8")
    done = zoo_command("test", "--ckpt", Path("runs/mlp-csv/1") / LAST, "--data.path", "other.csv")
    assert done.code == 0, done.err
    assert "csv (20 test)" in done.out
