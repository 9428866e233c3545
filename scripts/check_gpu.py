"""Check every network on this machine's GPUs, and write what was found as a table and as JSON.

    python scripts/check_gpu.py --out gpu               about six minutes on one GPU
    python scripts/check_gpu.py --out gpu slp lstm      these networks

It needs torch, lightning and torchmetrics; checks that need more are left out, with the reason, where that is not
installed. Without a GPU the same checks run on the CPU. Exits with 1 if a check failed.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import platform
import sys
import tempfile
import time
import warnings
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # the zoo itself need not be installed
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # what deterministic algorithms need

import lightning
import torch

import zoo
from gpu_check.checks import BEFORE, CHECKS, LeftOutError, Machine
from gpu_check.timing import LARGE_BATCH, NETWORKS, measure
from gpu_check.training import Training, train, train_in_process
from made_data import write_reviews
from zoo.errors import ZooError
from zoo.support.console import echo, one_line
from zoo.support.files import atomic_write
from zoo.support.tables import format_table


def run_before(check: str, machine: Machine, network: str) -> None:
    """Run the trainings that a check of a network needs in processes of their own.

    Raises:
        RuntimeError: One failed, or was not killed as it should.
    """
    for training in BEFORE[check](machine, network):
        code = train_in_process(training)
        if (code == 0) != (training.killed_in is None):
            raise RuntimeError(f"{training} ended with exit code {code}")


def run_check(check: str, machine: Machine, network: str, before: Future[None] | None) -> dict[str, Any]:
    """Run a check of a network, and return its row: what was found, or why it failed or was left out."""
    started = time.perf_counter()
    row: dict[str, Any] = {"check": check, "network": network, "verdict": "passed", "findings": []}
    try:
        if before:
            before.result()
        for finding in CHECKS[check](machine, network):
            row["findings"].append({"setting": finding.setting, "value": finding.value, "limit": finding.limit})
            if not finding.passed:
                row["verdict"] = "failed"
                row["reason"] = f"{finding.setting} {finding.value:.3g}, at most {finding.limit:.3g}".strip()
    except (LeftOutError, ModuleNotFoundError) as error:
        row |= {"verdict": "left out", "reason": one_line(error)}
    except ZooError as error:  # an export that needs a package, or a newer torch
        left_out = "requires" in str(error) or "needs torch" in str(error)
        row |= {"verdict": "left out" if left_out else "failed", "reason": one_line(error)}
    except Exception as error:  # whatever a device can do wrong
        row |= {"verdict": "failed", "reason": f"{type(error).__name__}: {one_line(error)}"}
    return {**row, "seconds": time.perf_counter() - started}


def tell(row: dict[str, Any]) -> str:
    """Return a row as a line."""
    told = [f"{finding['setting']} {finding['value']:.2g}".strip() for finding in row["findings"]]
    if row["verdict"] != "passed":
        told.insert(0, f"{row['verdict'].upper()}, {row['reason']}")
    return f"{row['check']}, {row['network']}: {'; '.join(told)} ({row['seconds']:.1f} s)"


def summary(rows: list[dict[str, Any]]) -> str:
    """Return the table of the checks: a row a check and setting, and the largest value of all networks."""
    cells = []
    for check in dict.fromkeys(row["check"] for row in rows):
        of_check = [row for row in rows if row["check"] == check]
        settings: dict[str, list[dict[str, Any]]] = {}
        for row in of_check:
            for finding in row["findings"]:
                settings.setdefault(finding["setting"], []).append(finding)
        counts = [
            str(sum(row["verdict"] == verdict for row in of_check)) for verdict in ("passed", "failed", "left out")
        ]
        for number, (setting, findings) in enumerate(settings.items() or [("", [])]):
            largest = f"{max(f['value'] for f in findings):.2g}" if findings else "–"
            limit = f"{max(f['limit'] for f in findings):.2g}" if findings else "–"
            cells.append([check if not number else "", setting, *(counts if not number else [""] * 3), largest, limit])
    return format_table(["check", "setting", "passed", "failed", "left out", "largest", "limit"], cells)


def times(measured: list[dict[str, Any]]) -> str:
    """Return the table of the times of a step."""
    ways = list(measured[0]["microseconds"])
    rows = [
        [row["network"], str(row["batch_size"]), *(f"{row['microseconds'][way]:,.0f}" for way in ways)]
        for row in measured
    ]
    return format_table(["microseconds a step", "batch", *ways], rows, align=">")


def describe_machine(machine: Machine) -> dict[str, Any]:
    """Return what the numbers depend on."""
    on_gpu = machine.accelerator == "cuda"
    return {
        "device": torch.cuda.get_device_name() if on_gpu else platform.processor() or platform.machine(),
        "devices": machine.devices,
        "cuda": torch.version.cuda if on_gpu else None,
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "lightning": lightning.__version__,
        "zoo": zoo.__version__,
    }


def check(networks: list[str], machine: Machine, out: Path) -> bool:
    """Run all checks, print the tables and write ``check_gpu.json``; return whether none failed."""
    about = describe_machine(machine)
    echo(" · ".join(f"{key} {value}" for key, value in about.items() if value is not None))
    rows = []
    for name in CHECKS:
        with ThreadPoolExecutor(max(1, (os.cpu_count() or 1) // 2)) as pool:
            started = {n: pool.submit(run_before, name, machine, n) for n in networks if name in BEFORE}
            for network in networks:
                row = run_check(name, machine, network, started.get(network))
                rows.append(row)
                echo(tell(row), flush=True)
        write(out, about, rows, [])
    measured = []
    torch.backends.cudnn.allow_tf32 = True
    for network, batch_size in NETWORKS.items():
        for size in (batch_size, LARGE_BATCH) if network in networks else ():
            steps, epochs = (4, 2) if machine.small else (200 if size <= 64 else 20, 3)
            found = measure(network, size, machine.accelerator, steps, epochs)
            measured.append({"network": network, "batch_size": size, "microseconds": found})
            echo(f"time of {network}, batches of {size}", flush=True)
            write(out, about, rows, measured)
    echo("\n" + summary(rows))
    if measured:
        echo("\n" + times(measured))
    reasons: dict[str, list[str]] = {}
    for row in rows:
        if row["verdict"] != "passed":
            reasons.setdefault(f"{row['verdict']}: {row['check']}: {row['reason']}", []).append(row["network"])
    for reason, of_networks in reasons.items():
        echo(f"\n{reason}\n  {', '.join(of_networks)}")
    echo(f"\nwritten to {out / 'check_gpu.json'}")
    return all(row["verdict"] != "failed" for row in rows)


def write(out: Path, about: dict[str, Any], rows: list[dict[str, Any]], measured: list[dict[str, Any]]) -> None:
    """Write what was found so far: a machine may be lent for minutes."""
    with atomic_write(out / "check_gpu.json") as temporary:
        text = json.dumps({"machine": about, "checks": rows, "times": measured}, indent=1)
        temporary.write_text(text + "\n", encoding="utf-8")


def main() -> int:
    """Run the program, and return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", choices=[[], *zoo.list_models()], metavar="NETWORK")
    parser.add_argument("--out", type=Path, required="--train" not in sys.argv, help="folder of check_gpu.json")
    parser.add_argument("--small", action="store_true", help="measure times with few steps, to try the program")
    parser.add_argument("--train", help=argparse.SUPPRESS)  # what the program starts itself with
    arguments = parser.parse_args()
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    logging.getLogger("lightning.fabric").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")
    torch.backends.cudnn.allow_tf32 = False  # its rounding would hide differences
    if arguments.train:
        train(Training(**json.loads(arguments.train)))
        return 0
    arguments.out.mkdir(parents=True, exist_ok=True)
    accelerator = "cuda" if torch.cuda.is_available() else "cpu"
    with tempfile.TemporaryDirectory() as folder:
        write_reviews(Path(folder))
        devices = torch.cuda.device_count() if accelerator == "cuda" else 2
        machine = Machine(accelerator, devices, folder, small=arguments.small)
        return 0 if check(arguments.networks or zoo.list_models(), machine, arguments.out) else 1


if __name__ == "__main__":
    sys.exit(main())
