"""Windows and macOS, as far as they can be had here: nothing of Unix is needed, and processes are spawned."""

from __future__ import annotations

import ast
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import ON_LINUX, PATIENCE, REPOSITORY, Command, write_mnist
from data_files import pack, write_celeba, write_cifar, write_csv, write_imdb, write_texts
from running import LAST, weights

import zoo
from zoo.datamodules.common import loader_module

SLP = "fit slp --data digits --trainer.accelerator cpu --trainer.max_epochs"
LAST_OF_RUN = f"runs/slp-digits/1/{LAST.as_posix()}"


def without_unix(*commands: str) -> str:
    """Run command lines in one process, and return what they printed. Its text is that of Windows in Western Europe."""
    environment = {**os.environ, "PYTHONUTF8": "0", "PYTHONIOENCODING": "cp1252"}
    environment |= {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}
    words = [sys.executable, "-X", "warn_default_encoding", str(REPOSITORY / "tests" / "not_unix.py"), *commands]
    done = subprocess.run(words, env=environment, capture_output=True, encoding="cp1252", timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@ON_LINUX
def test_nothing_of_unix_is_needed(tmp_path: Path, zoo_command: Command) -> None:
    pack(write_mnist(tmp_path / "data"))
    commands = [
        "list",
        f"{SLP} 1",
        f"{SLP} 2 --ckpt_path last",
        f"{SLP} 2 --ckpt_path last",
        "results runs --csv all.csv",
        "fit slp --data mnist --data.root data --data.val_size 9 --trainer.accelerator cpu --trainer.max_epochs 1",
        f"test --ckpt {LAST_OF_RUN}",
        "predict --model xor --weights default 0,1",
        "export --model slp --weights default --format safetensors --out slp.safetensors",
        "fit slpp",
    ]
    printed = without_unix(*commands)
    codes = [line for line in printed.splitlines() if line.startswith("exit code")]
    assert codes == [f"exit code {2 if command == 'fit slpp' else 0}: {command}" for command in commands], printed
    assert "Traceback" not in printed
    assert "parameters · digits" in printed
    assert Path("slp.safetensors").exists()
    assert not list(Path("runs").rglob(".*.writing-*"))
    with_unix = zoo_command(*f"{SLP} 2 --out other".split())
    assert with_unix.code == 0, with_unix.err
    ours, other = weights(tmp_path / LAST_OF_RUN), weights(Path("other/slp-digits/1") / LAST)
    assert all(torch.equal(ours[name], value) for name, value in other.items())


LOCKED = """
import sys
from not_unix import take_away
take_away()
from pathlib import Path
from zoo.training import run_folder
run_folder.LOCK_TIMEOUT = float(sys.argv[1])
with run_folder.claim_folder(Path(), Path("1")):
    print("locked", flush=True)
    sys.stdin.read()
"""


@ON_LINUX
def test_the_lock_of_windows_keeps_others_out_and_ends_with_its_process() -> None:
    Path("1").mkdir()

    def start(seconds: float) -> subprocess.Popen[str]:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(REPOSITORY / "tests"), *sys.path])}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen([sys.executable, "-c", LOCKED, str(seconds)], env=environment, text=True, **pipes)

    with start(0) as first:
        assert first.stdout
        assert first.stdout.readline() == "locked\n"
        with start(0) as second:
            _, err = second.communicate()
            assert f"1 is being written by process {first.pid} on " in err
        first.kill()
    with start(0) as third:
        out, err = third.communicate()
        assert out == "locked\n", err


@pytest.mark.usefixtures("start_method")
@pytest.mark.parametrize("start_method", ["spawn"], indirect=True)
def test_workers_may_be_spawned(tmp_path: Path, zoo_command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        loader_module, "SECONDS_TO_LOAD", PATIENCE
    )  # which a worker that is spawned begins with imports
    write_celeba(tmp_path / "data")
    words = (
        *("fit", "cifar_cnn", "--data", "celeba", "--data.root", tmp_path / "data", "--data.image_size", 16),
        *("--data.augment", "true", "--data.val_size", 0, "--data.batch_size", 4, "--model.loss", "bce"),
        *("--trainer.accelerator", "cpu", "--trainer.max_epochs", 2, "--data.num_workers"),
    )
    for workers in (1, 0):
        done = zoo_command(*words, workers)
        assert done.code == 0, done.err
    spawned, alone = (weights(Path("runs/cifar_cnn-celeba") / number / LAST) for number in "12")
    assert all(torch.equal(spawned[name], value) for name, value in alone.items())


def write_fashion_mnist(root: Path) -> None:
    write_mnist(root).parent.rename(root / "FashionMNIST")


WRITERS: dict[str, Callable[[Path], Any]] = {
    "celeba": write_celeba,
    "csv": write_csv,
    "cifar10": write_cifar,
    "imdb": write_imdb,
    "mnist": write_mnist,
}
WRITERS |= {"fashion_mnist": write_fashion_mnist, "text": write_texts}


@pytest.mark.parametrize("name", zoo.list_datamodules())
def test_what_goes_to_workers_can_be_pickled(name: str, tmp_path: Path) -> None:
    arguments = {}
    if write := WRITERS.get(name):
        written = write(tmp_path)
        arguments = written if isinstance(written, dict) else {"root": str(tmp_path)}
    data = zoo.create_datamodule(name, val_size=2, **arguments)
    data.setup()
    loader = data.train_dataloader()
    dataset, collate, sampler = pickle.loads(pickle.dumps((loader.dataset, loader.collate_fn, loader.sampler)))
    chosen = list(sampler)[:3]
    assert chosen == list(loader.sampler)[:3]
    there, here = collate(dataset.__getitems__(chosen)), loader.dataset.__getitems__(chosen)
    assert all(map(torch.equal, there, here))
    assert all(map(torch.equal, dataset[0], loader.dataset[0]))  # scaled


NOT_OF_FILES = ("Image", "os", "tarfile")
"""What has an ``open`` of its own."""


def texts_without_an_encoding(source: str) -> list[str]:
    """Return the calls in a source that read or write text in the encoding of the machine."""
    found = []
    for call in ast.walk(ast.parse(source)):
        match call:
            case ast.Call(func=ast.Attribute(attr="read_text" | "write_text" as name), args=args):
                wrong = len(args) < {"read_text": 1, "write_text": 2}[name]
            case ast.Call(func=ast.Name(id="open"), args=args):
                wrong = len(args) < 2 or "b" not in ast.unparse(args[1])
            case ast.Call(func=ast.Attribute(attr="open", value=value), args=args):
                wrong = ast.unparse(value) not in NOT_OF_FILES and (not args or "b" not in ast.unparse(args[0]))
            case _:
                continue
        if wrong and not any(keyword.arg == "encoding" for keyword in call.keywords):
            found.append(f"{call.lineno}: {ast.unparse(call)}")
    return found


def test_text_files_have_an_encoding() -> None:
    paths = [path for folder in ("zoo", "scripts", "tests", "examples") for path in (REPOSITORY / folder).rglob("*.py")]
    found = {path: texts_without_an_encoding(path.read_text(encoding="utf-8")) for path in paths}
    assert len(found) > 200
    assert not {path: calls for path, calls in found.items() if calls}


def test_a_text_file_without_an_encoding_is_found() -> None:
    wrong = ["open('a')", "open('a', 'w')", "p.open()", "f(x).open('a')", "p.read_text()", "p.write_text('a')"]
    right = ["open('a', 'rb')", "p.open('wb')", "p.read_text('utf-8')", "p.open(encoding='utf-8')", "tarfile.open('a')"]
    right.append("read_text(path)")
    assert texts_without_an_encoding("\n".join([*right, *wrong])) == [
        f"{number}: {line}" for number, line in enumerate(wrong, start=len(right) + 1)
    ]
