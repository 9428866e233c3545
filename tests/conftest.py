"""What the tests share: a tiny MNIST in the real format, and ways to run the command line."""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest
import torch
from running import DIGITS, ONE_EPOCH
from torch import Tensor

import zoo
from zoo.commands.cli import main

os.environ["OMP_NUM_THREADS"] = "1"  # of the processes that tests start: two cores are soon crowded
torch.set_num_threads(1)

REPOSITORY = Path(__file__).parents[1]
PATIENCE = 600
"""Seconds to wait for what takes a few: other work may leave next to nothing of the machine."""

ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: its /proc, /dev/full or a second disk")
ON_UNIX = pytest.mark.skipif(os.name != "posix", reason="needs Unix: its terminals, or signals to other processes")

TRAIN, TEST = 301, 101  # odd, so that no batch size and no number of ranks divides them


def write_idx(path: Path, values: Tensor) -> None:
    header = b"\0\0\x08" + bytes([values.dim()]) + b"".join(size.to_bytes(4, "big") for size in values.shape)
    path.write_bytes(header + bytes(values.to(torch.uint8).flatten().tolist()))


def write_mnist(root: Path) -> Path:
    """Write real digits, few, in MNIST's format, and return the folder of the files."""
    digits = zoo.create_datamodule("digits")
    digits.setup()
    folder = root / "MNIST" / "raw"
    folder.mkdir(parents=True)
    for split, prefix, size in (("train", "train", TRAIN), ("test", "t10k", TEST)):
        x, y = digits.splits[split].tensors
        write_idx(folder / f"{prefix}-images-idx3-ubyte", x[:size, 0])
        write_idx(folder / f"{prefix}-labels-idx1-ubyte", y[:size])
    return folder


def make_pipe(path: str | Path) -> None:
    """Make a named pipe, or skip the test on systems without those."""
    if not hasattr(os, "mkfifo"):
        pytest.skip("needs named pipes")
    os.mkfifo(path)


def load_script(name: str) -> ModuleType:
    """Import a program of scripts/, which is no package, and finds modules beside it."""
    scripts = str(REPOSITORY / "scripts")
    if scripts not in sys.path:
        sys.path.append(scripts)
    spec = importlib.util.spec_from_file_location(name, REPOSITORY / "scripts" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look for their module there
    spec.loader.exec_module(module)
    return module


SLOW_FIRST = (
    *("test_slurm", "test_killed", "test_torchrun", "test_signals", "test_processes"),
    *("test_resumed_callbacks", "test_exact_resume", "test_adding", "test_fit"),
)
"""Files whose tests wait most: begun last, they would keep one of two workers waiting for the other."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest."""
    order = {name: place for place, name in enumerate(SLOW_FIRST)}
    items.sort(key=lambda item: order.get(item.path.stem, len(order)))


@pytest.fixture(scope="session")
def shared_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with a tiny MNIST, for tests that only read it."""
    root = tmp_path_factory.mktemp("data")
    write_mnist(root)
    return root


@pytest.fixture
def mnist_folder(tmp_path: Path) -> Path:
    """The folder of a tiny MNIST of the test's own, to break; its root is ``mnist_folder.parents[1]``."""
    return write_mnist(tmp_path / "data")


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test reaches for a network, or for data or run folders of the developer's, or has their terminal's width."""
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setenv("ZOO_DATA", str(tmp_path / "nothing-here"))
    for module in ("mnist", "common.files"):
        monkeypatch.setattr(f"zoo.datamodules.{module}.offline_reason", lambda urls: "the tests have no network")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def start_method(request: pytest.FixtureRequest) -> Iterator[None]:
    """Start the processes that load batches by fork, spawn or another method; systems differ in their default."""
    if request.param not in multiprocessing.get_all_start_methods():
        pytest.skip(f"needs processes that start by {request.param}")
    usual = multiprocessing.get_start_method(allow_none=True)
    multiprocessing.set_start_method(request.param, force=True)
    yield
    multiprocessing.set_start_method(usual, force=True)


@dataclass
class Outcome:
    """What a command line did."""

    code: int
    out: str
    err: str


Command = Callable[..., Outcome]


@pytest.fixture
def zoo_command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command line in this process."""

    def run(*words: object) -> Outcome:
        capsys.readouterr()
        try:
            code = main([str(word) for word in words])
        except SystemExit as stop:  # argparse's way to end --help
            code = int(stop.code or 0)
        return Outcome(code, *capsys.readouterr())

    return run


@pytest.fixture
def zoo_process(tmp_path: Path) -> Command:
    """Run a command line in a process of its own, without a network."""

    def run(*words: object, **environment: str) -> Outcome:
        command = [sys.executable, "-m", "zoo", *map(str, words)]
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def trained(zoo_command: Command, tmp_path: Path) -> Path:
    """The folder of a finished run of slp on digits."""
    assert zoo_command("fit", "slp", *DIGITS, *ONE_EPOCH).code == 0
    return tmp_path / "runs" / "slp-digits" / "1"


@pytest.fixture(scope="session")
def torture() -> ModuleType:
    """scripts/torture.py, which kills runs and compares what they end with."""
    return load_script("torture")
