"""Scripts, module and console command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from conftest import REPOSITORY, Command


def test_scripts_module_and_console_command_are_the_same(tmp_path: Path, zoo_process: Command) -> None:
    options = ["--data", "digits", "--trainer.max_epochs", "1"]
    done = subprocess.run(
        [sys.executable, str(REPOSITORY / "scripts" / "fit.py"), "--model", "slp", *options],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"python {REPOSITORY / 'scripts' / 'fit.py'} --config {Path('runs/slp-digits/1/config.yaml')}" in done.stdout
    module = zoo_process("fit", "slp", *options)
    assert "python -m zoo fit --config" in module.out
    console = subprocess.run(
        [str(Path(sys.executable).with_name("zoo")), "list", "--names"], capture_output=True, text=True, check=True
    )
    assert "slp" in console.stdout.split()
    best = tmp_path / "runs" / "slp-digits" / "1" / "checkpoints" / "best.ckpt"
    for script in ("test", "predict"):
        pictures = [str(tmp_path / "runs" / "slp-digits" / "1" / "curves.png")] if script == "predict" else []
        path = str(REPOSITORY / "scripts" / f"{script}.py")
        subprocess.run([sys.executable, path, "--ckpt", str(best), *pictures], check=True, capture_output=True)
