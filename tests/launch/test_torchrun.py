"""torchrun: what it restarts, and what is told of a process that fails."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from conftest import ON_LINUX, PATIENCE, REPOSITORY
from running import DIGITS_ON_CPU, LAST
from torch import Tensor

pytestmark = ON_LINUX  # kill_one_rank finds the ranks in /proc


def torchrun(
    *options: str, cwd: Path, nodes: int = 1, restarts: int = 0, epochs: int = 40, data: tuple[str, ...] = DIGITS_ON_CPU
) -> list[subprocess.Popen[str]]:
    """Start two processes by torchrun, on one node, or on each of two, both of which are this machine."""
    script = [str(REPOSITORY / "scripts" / "fit.py"), "--model", "slp", *data, "--trainer.max_epochs", str(epochs)]
    command = ["-m", "torch.distributed.run", "--nproc-per-node", str(2 // nodes), "--max-restarts", str(restarts)]
    if nodes > 1:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            endpoint = f"127.0.0.1:{free.getsockname()[1]}"
        command += ["--nnodes", str(nodes), "--rdzv-backend", "c10d", "--rdzv-endpoint", endpoint, "--rdzv-id", "1"]
    return [
        subprocess.Popen(
            [sys.executable, *command, *script, *options],
            cwd=cwd,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        for _ in range(nodes)
    ]


def kill_one_rank(agents: list[subprocess.Popen[str]], folder: Path, another_run: bool = False) -> None:
    """Kill the second of two processes once the run has a checkpoint, and there is a newer run of another job."""
    deadline = time.monotonic() + PATIENCE
    while not any(folder.glob(f"runs/*/*/{LAST}")) and time.monotonic() < deadline:
        time.sleep(0.05)
    children = [
        c for a in agents for c in Path(f"/proc/{a.pid}/task/{a.pid}/children").read_text(encoding="utf-8").split()
    ]
    ranks = [int(child) for child in children if b"fit.py" in Path(f"/proc/{child}/cmdline").read_bytes()]
    assert len(ranks) == 2
    if another_run:
        (run,) = folder.glob("runs/*/1")
        (run.with_name("2") / LAST).parent.mkdir(parents=True)
        for name in ("config.yaml", LAST):
            shutil.copy(run / name, run.with_name("2") / name)
        config = run.with_name("2") / "config.yaml"
        config.write_text(
            config.read_text(encoding="utf-8").replace("# torchrun ", "# torchrun another"), encoding="utf-8"
        )
    os.kill(ranks[1], signal.SIGKILL)


EVERY = ("--checkpoint_every", "5", "--trainer.enable_model_summary", "false")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tensor]:
    """The weights of a run on one node that was left alone."""
    folder = tmp_path_factory.mktemp("whole")
    (agent,) = torchrun(*EVERY, cwd=folder)
    out, err = agent.communicate(timeout=PATIENCE)
    assert agent.returncode == 0, err
    assert out.count("· 2 × cpu ·") == out.count("best checkpoint, after") == 1
    assert [path.name for path in (folder / "runs/slp-digits").iterdir()] == ["1"]
    return weights(folder)


def weights(folder: Path) -> dict[str, Tensor]:
    found: dict[str, Tensor] = torch.load(folder / "runs/slp-digits/1" / LAST, weights_only=True)["state_dict"]
    return found


@pytest.mark.parametrize("nodes", [1, 2])
def test_torchrun_restarts_a_run_that_lost_a_process_and_it_ends_the_same(
    nodes: int, tmp_path: Path, undisturbed: dict[str, Tensor]
) -> None:
    agents = torchrun(*EVERY, cwd=tmp_path, nodes=nodes, restarts=1)
    kill_one_rank(agents, tmp_path, another_run=True)
    told = [agent.communicate(timeout=PATIENCE) for agent in agents]
    assert [agent.returncode for agent in agents] == [0] * nodes, told
    assert "".join(out for out, _ in told).count("· 2 × cpu ·") == 2
    runs = tmp_path / "runs/slp-digits"
    assert sorted(path.name for path in runs.iterdir()) == ["1", "2"]
    assert not (runs / "2" / "results.json").exists()  # that of another job was left alone
    found = weights(tmp_path)
    assert all(torch.equal(undisturbed[key], found[key]) for key in undisturbed)


def test_a_killed_process_ends_the_job_soon(tmp_path: Path) -> None:
    (running,) = torchrun("--checkpoint_every", "5", cwd=tmp_path, epochs=100_000)
    kill_one_rank([running], tmp_path)
    told = time.monotonic()
    _, err = running.communicate(timeout=PATIENCE)
    assert time.monotonic() - told < 10
    assert running.returncode != 0
    (error,) = [line for line in err.splitlines() if line.startswith("zoo: error")]
    assert "rank 0 on " in error
    assert "another process of the run has died; resume with --ckpt_path last" in error


def test_a_process_that_cannot_read_its_data_names_itself(tmp_path: Path) -> None:
    (running,) = torchrun("--data.root", "/nowhere", cwd=tmp_path, data=("--data", "mnist"))
    _, err = running.communicate(timeout=PATIENCE)
    assert running.returncode != 0
    errors = [line for line in err.splitlines() if line.startswith("zoo: error")]
    assert errors
    assert all("rank 0 on " in line or "rank 1 on " in line for line in errors)
    assert str(Path("/nowhere/MNIST/raw")) in errors[0]
    assert not (tmp_path / "runs").exists()
