"""Configs: what they repeat, what they may not hold, and which option wins."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest
import torch
import yaml
from conftest import Command, make_pipe
from running import DIGITS, ONE_EPOCH, weights

import zoo


def test_the_config_repeats_the_run_exactly(zoo_command: Command, tmp_path: Path) -> None:
    options = ("--model.hidden_dim", 20, "--model.optimizer", "Adam", "--model.lr", 1e-3, "--data.batch_size", 100)
    more = ("--model.optimizer_args", "{betas: [0.8, 0.9]}", "--model.l2", 1e-4, "--seed", 3, "--patience", 5)
    assert zoo_command("fit", "mlp", *DIGITS, "--trainer.max_epochs", 2, *options, *more).code == 0
    runs = tmp_path / "runs" / "mlp-digits"
    assert zoo_command("fit", "--config", runs / "1" / "config.yaml").code == 0
    first, second = (weights(runs / n / "checkpoints" / "last.ckpt") for n in ("1", "2"))
    assert all(torch.equal(first[key], second[key]) for key in first)
    configs = [(runs / number / "config.yaml").read_text(encoding="utf-8") for number in "12"]
    assert configs[0] == configs[1]
    metrics = [json.loads((runs / n / "results.json").read_text(encoding="utf-8"))["metrics"] for n in ("1", "2")]
    assert metrics[0] == metrics[1]
    assert first["fc1.weight"].shape == (20, 784)


def test_print_config_is_a_config(zoo_command: Command, tmp_path: Path) -> None:
    printed = zoo_command("fit", "slp", *DIGITS, "--model.lr", 0.25, "--print_config")
    assert printed.code == 0
    config = yaml.safe_load(printed.out)
    assert config["model"]["name"] == "slp"
    assert config["model"]["lr"] == 0.25
    assert config["data"]["name"] == "digits"
    (tmp_path / "c.yaml").write_text(printed.out, encoding="utf-8")
    assert zoo_command("fit", "--config", "c.yaml", *ONE_EPOCH).code == 0
    assert zoo.load_model("runs/slp-digits/1/checkpoints/last.ckpt").hparams["lr"] == 0.25


def test_the_command_line_overrides_the_config(zoo_command: Command, trained: Path) -> None:
    config = trained / "config.yaml"
    assert zoo_command("fit", "--config", config, "--model.lr", 0.125, "--seed", 4, "--out", "elsewhere").code == 0
    results = json.loads(Path("elsewhere/slp-digits/1/results.json").read_text(encoding="utf-8"))
    assert results["seed"] == 4
    assert zoo.load_model("elsewhere/slp-digits/1/checkpoints/last.ckpt").hparams["lr"] == 0.125


def test_a_config_of_other_data_or_another_network_gives_what_is_left(zoo_command: Command, shared_root: Path) -> None:
    own = ("--data.root", shared_root, "--data.val_size", 51, "--data.padding", 2, "--data.batch_size", 50)
    assert (
        zoo_command("fit", "mlp", "--data", "mnist", *own, *ONE_EPOCH, "--model.hidden_dim", 7, "--seed", 3).code == 0
    )
    config = ("--config", "runs/mlp-mnist/1/config.yaml")
    done = zoo_command("fit", *config, *DIGITS, *ONE_EPOCH)
    assert done.code == 0, done.err
    assert (
        f"zoo: --data is digits: the options of mnist in {Path('runs/mlp-mnist/1/config.yaml')} are ignored" in done.err
    )
    used = yaml.safe_load(Path("runs/mlp-digits/1/config.yaml").read_text(encoding="utf-8"))
    assert (used["seed"], used["model"]["hidden_dim"], used["data"]["batch_size"]) == (3, 7, 64)
    done = zoo_command("fit", "slp", *config, "--data.val_size", 50)
    assert done.code == 0, done.err
    assert f"zoo: --model is slp: the options of mlp in {Path('runs/mlp-mnist/1/config.yaml')} are ignored" in done.err
    used = yaml.safe_load(Path("runs/slp-mnist/1/config.yaml").read_text(encoding="utf-8"))
    assert (used["seed"], used["model"]["lr"], used["data"]["padding"], used["data"]["val_size"]) == (3, 0.5, 2, 50)


LAUGHS = "\n".join(["a0: &a0 [x, x]", *(f"a{k}: &a{k} [*a{k - 1}, *a{k - 1}]" for k in range(1, 40))])

SLP = "model:\n  name: slp\ndata:\n  name: digits\n"

REFUSED = {
    "aliases": (LAUGHS + "\n" + SLP, "has the alias"),
    "aliases in text": (SLP + "trainer:\n  logger: '[&a [1], *a]'\n", "has the alias"),
    "merge": ("base: &b {name: slp}\nmodel:\n  <<: *b\n", "has the alias"),
    "tag": ("model:\n  name: slp\n  lr: !!python/name:os.system\n", "has the tag"),
    "tag of text": ("model:\n  name: slp\n  lr: !!timestamp 2024-99-99\n", "has the tag"),
    "long number": (SLP + f"seed: {'9' * 5000}\n", "number of 5000 digits"),
    "long hexadecimal": (SLP + f"seed: 0x{'f' * 5000}\n", "number of 5002 digits"),
    "long minutes": (SLP + f"seed: {'59:' * 5000}59\n", "digits"),
    "long text number": (SLP + f"seed: '{'9' * 5000}'\n", "digits"),
    "lone =": (SLP + "seed: =\n", "is not YAML"),
    "bad date": (SLP + "seed: 2024-99-99\n", "month must be in 1..12"),
    "deep": ("a: " + "[" * 900 + "]" * 900, "nested too deep"),
    "deep blocks": ("a:\n" + "".join(" " * k + "b:\n" for k in range(1, 200)), "nested too deep"),
    "large": ("# " + "x" * 2_000_000, "more than 1,000,000 bytes"),
    "many values": (SLP + "x: [" + "1," * 30_000 + "]", "too long"),
    "list": ("- model\n", "has no options"),
    "trainer is a list": (SLP + "trainer: [1, 2]\n", "trainer must be a section of options"),
    "data is a list": ("model:\n  name: slp\ndata: [1]\n", "data must be a section of options"),
    "model is text": ("model: slp\n", "model must be a section of options"),
    "name is a list": ("model:\n  name: [slp]\n", "model.name must be a name"),
    "number as a key": (SLP + "3: 4\n", "3"),
    "null as a key": (SLP + "~: 4\n", ""),
    "list as a key": (SLP + "? [1]\n: 4\n", "is not YAML"),
    "control character": (SLP + "out: a\x07b\n", "is not YAML"),
    "not utf-8": (b"\xff\xfe\xfd".decode("latin-1"), ""),
    "empty": ("", "has no options"),
    "function": (SLP + "trainer: {callbacks: [{class_path: posix.abort}]}\n", "not a class that the Trainer takes"),
    "function as text": (SLP + "trainer: {callbacks: [posix.abort]}\n", "not a class that the Trainer takes"),
    "function in text": (SLP + "trainer: {callbacks: '[{class_path: posix.abort}]'}\n", "not a class that the Trainer"),
    "function of torch": (SLP + "trainer: {logger: {class_path: torch.compile}}\n", "--trainer.logger"),
    "not in a trainer": ("model: {name: slp, optimizer_args: {a: {class_path: posix.abort}}}\n", "which takes none"),
    "of another kind": (SLP + "trainer: {callbacks: [{class_path: torch.nn.Linear}]}\n", "--trainer.callbacks"),
    "no class": (SLP + "trainer: {profiler: {class_path: zoo.__main__.main}}\n", "not a class that the Trainer takes"),
    "not there": (SLP + "trainer: {callbacks: [{class_path: nothing.Here}]}\n", "--trainer.callbacks"),
    "not a path": (SLP + "trainer: {callbacks: [{class_path: 5}]}\n", "--trainer.callbacks"),
    "called back": (
        SLP + "trainer: {callbacks: [{class_path: LambdaCallback, init_args: {on_fit_start: posix.abort}}]}\n",
        "is a function",
    ),
    "called by a call": (
        SLP + "trainer: {callbacks: [{class_path: LambdaCallback, init_args: {setup: {class_path: zoo.models.SLP}}}]}",
        "--trainer.callbacks",
    ),
    "averaged by": (
        SLP + "trainer: {callbacks: [{class_path: WeightAveraging, init_args: {avg_fn: posix.abort}}]}\n",
        "avg_fn",
    ),
}


@pytest.mark.parametrize(("content", "told"), REFUSED.values(), ids=REFUSED.keys())
def test_what_a_config_may_not_hold(content: str, told: str, zoo_command: Command) -> None:
    Path("config.yaml").write_bytes(content.encode("latin-1" if content.startswith("\xff") else "utf-8"))
    started = time.process_time()
    done = zoo_command("fit", "--config", "config.yaml", "--trainer.fast_dev_run", "true")
    assert done.code == 2, done.out
    assert done.err.count("\n") == 1, done.err
    assert len(done.err) < 1500
    assert told in done.err
    assert time.process_time() - started < 10
    assert not Path("runs").exists()


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "link", "loop", "absent", "long", "nul", "nobody"])
def test_a_config_is_a_regular_file(kind: str, zoo_command: Command) -> None:
    path = {"device": "/dev/zero", "long": "x" * 5000, "nul": "a\0b", "nobody": "~nosuchuser/x"}.get(
        kind, "config.yaml"
    )
    match kind:
        case "pipe":
            make_pipe(path)
        case "folder":
            Path(path).mkdir()
        case "link":
            Path(path).symlink_to("nothing")
        case "loop":
            Path(path).symlink_to(path)
    done = zoo_command("fit", "--config", path)
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert "--config" in done.err


def test_options_override_each_other_in_their_order(zoo_command: Command) -> None:
    Path("a.yaml").write_text(SLP + "seed: 1\ntrainer:\n  max_epochs: 1\n  limit_train_batches: 2\n", encoding="utf-8")
    Path("b.yaml").write_text("seed: 2\nmodel:\n  lr: 0.25\n", encoding="utf-8")
    words = ("fit", "--seed", "9", "--config", "a.yaml", "--config", "b.yaml", "--model.lr", "0.125")
    assert zoo_command(*words, "--trainer.enable_model_summary", "false").code == 0
    config = Path("runs/slp-digits/1/config.yaml").read_text(encoding="utf-8")
    assert "seed: 2\n" in config
    assert "lr: 0.125\n" in config
    assert "limit_train_batches: 2" in config
    again = zoo_command("fit", "--config", "runs/slp-digits/1/config.yaml", "--seed", "5")
    assert again.code == 0
    assert "seed: 5\n" in Path("runs/slp-digits/2/config.yaml").read_text(encoding="utf-8")


def test_a_class_of_an_installed_package_is_taken(
    tmp_path: Path, zoo_command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("theirs.py").write_text(
        "from lightning.pytorch import Callback\n"
        "class Theirs(Callback):\n"
        "    def __init__(self, word: str = 'x'): self.word = word\n"
        "    def on_fit_start(self, trainer, model): print(self.word * 3)\n"
        "def make() -> Theirs: return Theirs('made')\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    theirs = "trainer: {max_epochs: 1, limit_train_batches: 1, callbacks: [{class_path: theirs.%s}]}\n"
    Path("config.yaml").write_text(SLP + theirs % "Theirs, init_args: {word: ab}", encoding="utf-8")
    done = zoo_command("fit", "--config", "config.yaml")
    assert done.code == 0, done.err
    assert "ababab" in done.out
    Path("config.yaml").write_text(SLP + theirs % "make", encoding="utf-8")
    done = zoo_command("fit", "--config", "config.yaml")
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert "made" not in done.out
    del sys.modules["theirs"]
