"""scripts/check_gpu.py: the same program on this machine's CPU, small, and on fake CUDA tensors."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import torch
from conftest import PATIENCE, REPOSITORY, load_script
from torch import Tensor

import zoo
from zoo.factory import model_class
from zoo.models import SLP

ON_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


@pytest.fixture(scope="module")
def check_gpu() -> Iterator[ModuleType]:
    tf32 = torch.backends.cudnn.allow_tf32
    yield load_script("check_gpu")
    torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.allow_tf32 = tf32


@pytest.fixture
def machine(check_gpu: ModuleType, tmp_path: Path) -> object:
    return check_gpu.Machine("cpu", 2, str(tmp_path), small=True)


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(REPOSITORY / "scripts" / "check_gpu.py"), "--out", str(folder), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)


def test_it_passes_here(tmp_path: Path) -> None:
    done = run(tmp_path / "found", "--small", "slp", "linear")
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "found" / "check_gpu.json").read_text(encoding="utf-8"))
    assert found["machine"]["torch"] == torch.__version__
    verdicts = {(row["check"], row["network"]): row["verdict"] for row in found["checks"]}
    assert len(verdicts) == 2 * len({check for check, _ in verdicts}) == 20
    without_gpu = {} if torch.cuda.is_available() else {"keeps its memory"}
    assert {check for (check, _), verdict in verdicts.items() if verdict == "left out"} == without_gpu
    assert set(verdicts.values()) <= {"passed", "left out"}
    assert [row["network"] for row in found["times"]] == ["slp", "slp"]
    assert all(value > 0 for row in found["times"] for value in row["microseconds"].values())
    summary = done.stdout[done.stdout.index("check  ") : done.stdout.index("\nwritten to")]
    assert max(map(len, summary.splitlines())) <= 90
    assert ["resumes", "after", "SIGKILL", "32-true", *"20000"] in [line.split() for line in summary.splitlines()]


@ON_GPU
def test_every_network_passes_on_a_gpu(tmp_path: Path) -> None:
    done = run(tmp_path, "--small")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("network", [name for name in zoo.list_models() if model_class(name).takes != "text"])
def test_no_step_mixes_devices(network: str, check_gpu: ModuleType, machine: object) -> None:
    row = check_gpu.run_check("mixes no devices", machine, network, None)
    assert row["verdict"] == "passed", row


def test_a_step_that_mixes_devices_fails(
    check_gpu: ModuleType, machine: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = SLP.forward

    def forward(self: SLP, x: Tensor) -> Tensor:
        return whole(self, x) + torch.zeros(10, device="cpu")

    monkeypatch.setattr(SLP, "forward", forward)
    row = check_gpu.run_check("mixes no devices", machine, "slp", None)
    assert row["verdict"] == "failed"
    assert "cuda:0" in row["reason"]
    assert "cpu" in row["reason"]


def test_what_fails_and_what_is_left_out_is_told(
    check_gpu: ModuleType, machine: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    finding = sys.modules["gpu_check.checks"].Finding
    errors = {
        "broken": RuntimeError("no kernel"),
        "absent": ModuleNotFoundError("No module named 'tokenizers'"),
        "old": zoo.ZooError("the export needs torch 2.11, found 2.10"),
    }

    def raises(machine: object, network: str) -> Iterator[object]:
        raise errors[network]

    def differs(machine: object, network: str) -> Iterator[object]:
        yield finding("32-true", 0.0, 1e-3)
        yield finding("16-mixed", float("nan"), 1e-3)

    monkeypatch.setitem(check_gpu.CHECKS, "raises", raises)
    monkeypatch.setitem(check_gpu.CHECKS, "differs", differs)
    rows = {network: check_gpu.run_check("raises", machine, network, None) for network in errors}
    assert {network: row["verdict"] for network, row in rows.items()} == {
        "broken": "failed",
        "absent": "left out",
        "old": "left out",
    }
    assert check_gpu.tell(rows["broken"]).startswith("raises, broken: FAILED, RuntimeError: no kernel (")
    row = check_gpu.run_check("differs", machine, "slp", None)
    assert check_gpu.tell(row).startswith(
        "differs, slp: FAILED, 16-mixed nan, at most 0.001; 32-true 0; 16-mixed nan ("
    )
