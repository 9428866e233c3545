"""Several processes: the real thing."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from conftest import PATIENCE, TEST, Command, load_script
from data_files import write_imdb
from running import DIGITS_ON_CPU, LAST, load, weights

import zoo

TWO = ("--trainer.accelerator", "cpu", "--trainer.devices", "2", "--trainer.strategy", "ddp")

FIT = ("fit", "slp", "--data", "mnist", "--data.val_size", "51", "--trainer.max_epochs", "2")


def results(folder: str | Path) -> dict[str, dict[str, dict[str, float]]]:
    parsed: dict[str, dict[str, dict[str, float]]] = json.loads(
        (Path(folder) / "results.json").read_text(encoding="utf-8")
    )
    return parsed


def test_two_processes_measure_exactly_what_one_does(
    zoo_process: Command, zoo_command: Command, shared_root: Path
) -> None:
    """On a test set of odd size, which two processes cannot share equally."""
    assert TEST % 2 == 1
    root = ("--data.root", shared_root)
    together = zoo_process(*FIT, *root, *TWO)
    assert together.code == 0, together.err
    for once in ("7,850 parameters", "epoch 1/2", "best checkpoint, after", "again "):
        assert together.out.count(once) == 1
    assert "2 × cpu" in together.out.splitlines()[0]
    assert "arning" not in together.out + together.err

    best = "runs/slp-mnist/1/checkpoints/best.ckpt"
    alone = zoo_command("test", "--ckpt", best, *root, "--trainer.accelerator", "cpu")
    shared = zoo_process("test", "--ckpt", best, *root, *TWO)
    assert alone.code == shared.code == 0, shared.err
    told = [line for line in shared.out.splitlines() if not line.startswith("[Gloo]")]  # torch 2.10 tells more
    assert alone.out.splitlines() == told
    reported = results("runs/slp-mnist/1")["metrics"]["test"]
    assert f"{reported['acc']:.4f}" in alone.out
    assert reported["acc"] * TEST == pytest.approx(round(reported["acc"] * TEST), abs=1e-4)

    # The batch is the global one, and each rank's share of it is of the same size: the runs agree to rounding.
    assert zoo_command(*FIT, *root, "--trainer.accelerator", "cpu").code == 0
    one, two = (
        torch.load(f"runs/slp-mnist/{number}/checkpoints/last.ckpt", weights_only=True)["state_dict"]
        for number in (2, 1)
    )
    for key, value in one.items():
        assert torch.allclose(value, two[key], rtol=0, atol=1e-6)
    assert results("runs/slp-mnist/2")["metrics"]["test"]["acc"] == reported["acc"]


def test_two_processes_unfreeze_as_one_does_and_resume_exactly(zoo_process: Command, zoo_command: Command) -> None:
    """DDP looks once which parameters it shares the gradients of: when they are frozen."""
    start = ("--weights", "fashion_mnist", "--freeze", "backbone", "--unfreeze_at", 1, "--model.dropout", 0)
    words = ("fit", "ffnn", *DIGITS_ON_CPU, *start, "--data.val_size", 181)
    assert zoo_command(*words, "--trainer.max_epochs", 3, "--out", "one").code == 0
    for out, epochs, resume in (("two", 3, ()), ("longer", 2, ()), ("longer", 3, ("--ckpt_path", "last"))):
        done = zoo_process(*words, *TWO[2:], "--trainer.max_epochs", epochs, "--out", out, *resume)
        assert done.code == 0, done.err
    assert done.out.count("backbone frozen for 1 epoch") == 1
    one, two, longer = (weights(Path(f"{out}/ffnn-digits/1") / LAST) for out in ("one", "two", "longer"))
    before = zoo.create_model("ffnn", weights="fashion_mnist").state_dict()
    for key, value in one.items():
        assert not value.equal(before[key])
        assert torch.allclose(value, two[key], rtol=0, atol=1e-5)
        assert two[key].equal(longer[key])


def test_two_processes_weigh_classes_as_one_does(zoo_process: Command, zoo_command: Command) -> None:
    """The mean over a batch is not divided by the weights in it, of which each process has others."""
    options = ("--model.class_weight", "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]", "--model.label_smoothing", 0.1)
    words = ("fit", "fcnet", *DIGITS_ON_CPU, *options, "--data.val_size", 181, "--trainer.max_epochs", 2)
    assert zoo_command(*words, "--out", "one").code == 0
    done = zoo_process(*words, *TWO[2:], "--out", "two")
    assert done.code == 0, done.err
    one, two = (weights(Path(f"{out}/fcnet-digits/1") / LAST) for out in ("one", "two"))
    assert all(torch.allclose(value, two[key], rtol=0, atol=1e-6) for key, value in one.items())


def test_two_processes_warm_up_as_one_does_and_resume_exactly(zoo_process: Command, zoo_command: Command) -> None:
    schedule = ("--model.lr_scheduler", "StepLR", "--model.lr_scheduler_args", "{step_size: 1, gamma: 0.5}")
    words = ("fit", "mlp", *DIGITS_ON_CPU, "--data.val_size", 181, "--model.warmup_steps", 45, *schedule)
    assert zoo_command(*words, "--trainer.max_epochs", 3, "--out", "one").code == 0
    for out, epochs, resume in (("two", 3, ()), ("longer", 2, ()), ("longer", 3, ("--ckpt_path", "last"))):
        done = zoo_process(*words, *TWO[2:], "--trainer.max_epochs", epochs, "--out", out, *resume)
        assert done.code == 0, done.err
    one, two, longer = (weights(Path(f"{out}/mlp-digits/1") / LAST) for out in ("one", "two", "longer"))
    for key, value in one.items():
        assert torch.allclose(value, two[key], rtol=0, atol=1e-6)
        assert two[key].equal(longer[key])


def test_several_processes_never_fall_back(zoo_command: Command, tmp_path: Path) -> None:
    done = zoo_command("fit", "slp", *TWO)
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert "MNIST is not in" in done.err
    assert not (tmp_path / "runs").exists()


def test_a_batch_that_two_cannot_share_is_one_line(zoo_command: Command, shared_root: Path, tmp_path: Path) -> None:
    done = zoo_command(*FIT, "--data.root", shared_root, *TWO, "--data.batch_size", 15)
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert "batch_size 15 is not divisible by the number of processes, 2" in done.err
    assert not (tmp_path / "runs").exists()


def test_two_processes_train_as_one_does_dropout_included(tmp_path: Path) -> None:
    """100 steps of `ffnn` in double precision; scripts/ranks.py does it for every network."""
    ranks = load_script("ranks")
    found = []
    for way in ("one process", "DDP"):
        (tmp_path / way).mkdir()
        found.append(ranks.run(ranks.ways("ffnn")[way], tmp_path / way))
    (one, one_metrics), (two, two_metrics) = found
    assert zoo.create_model("ffnn").hparams["dropout"] > 0
    for key, value in one.items():
        assert torch.allclose(value, two[key], rtol=0, atol=ranks.LIMIT)
    assert one_metrics["acc"] == two_metrics["acc"]


def test_two_processes_share_fast_steps(zoo_process: Command, torture: ModuleType) -> None:
    """A turn has as many steps on each, whatever the time that it takes there."""
    words = ("fit", "ffnn", "--data", "digits", "--data.batch_size", 32, "--trainer.accumulate_grad_batches", 2, *TWO)
    for out, fast in (("slow", "false"), ("fast", "true")):
        done = zoo_process(*words, "--trainer.max_epochs", 2, "--checkpoint_every", 17, "--out", out, "--fast", fast)
        assert done.code == 0, done.err
    slow, quick = (Path(f"{out}/ffnn-digits/1") for out in ("slow", "fast"))
    for part in (*torture.PARTS, "loops", "measured"):
        assert torture.equal(load(slow / LAST)[part], load(quick / LAST)[part]), part
    assert (slow / "metrics.csv").read_bytes() == (quick / "metrics.csv").read_bytes()


def test_two_processes_drop_the_words_that_one_does(zoo_process: Command, tmp_path: Path) -> None:
    write_imdb(tmp_path / "data")  # whose reviews have several lengths, so that the processes pad differently
    small = ("--model.hidden_dim", 8, "--data.batch_size", 8, "--data.val_size", 8, "--trainer.precision", "64-true")
    dropping = ("--model.word_dropout", 0.5, "--trainer.max_epochs", 3, *small)
    found = []
    for out, devices in (("one", ("--trainer.accelerator", "cpu")), ("two", TWO)):
        asked = ("--data.root", tmp_path / "data", *dropping, *devices, "--out", out)
        done = zoo_process("fit", "bilstm_sentiment", *asked)
        assert done.code == 0, done.err
        found.append(weights(Path(f"{out}/bilstm_sentiment-imdb/1") / LAST))
    for key, value in found[0].items():
        assert torch.allclose(value, found[1][key], rtol=0, atol=1e-12)  # sums in another order, in double precision


def test_nodes_that_are_started_by_hand_share_one_run_folder(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["-m", "zoo", "fit", "slp", *DIGITS_ON_CPU, "--trainer.devices", "1", "--trainer.num_nodes", "2"]
    for epochs in ("1", "2"):
        nodes = []
        for rank in ("0", "1"):
            launched = {"NODE_RANK": rank, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
            last = ["--ckpt_path", "last"] if epochs == "2" else []
            command = [sys.executable, *words, "--trainer.max_epochs", epochs, *last]
            nodes.append(subprocess.Popen(command, cwd=tmp_path, env={**os.environ, **launched}))
        assert [node.wait(PATIENCE) for node in nodes] == [0, 0]
    assert [path.name for path in (tmp_path / "runs" / "slp-digits").iterdir()] == ["1"]
