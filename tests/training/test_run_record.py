"""run.json: what a run knows of itself, and the run folders that have none yet."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Command
from running import DIGITS

from zoo.errors import ZooError
from zoo.training.run_record import RunRecord
from zoo.training.versions import versions

FOLDER = Path("runs/slp-digits/1")


def make_old(folder: Path) -> None:
    """Turn a run folder into one that keeps its record in comments, as older releases wrote it."""
    record = RunRecord.read(folder)
    assert record
    (folder / "run.json").unlink()
    config = folder / "config.yaml"
    head = "".join(f"# {line}\n" for line in (record.command, record.job) if line)
    config.write_text(head + config.read_text(encoding="utf-8"), encoding="utf-8")


def test_a_run_records_its_command_versions_and_time(zoo_command: Command) -> None:
    assert zoo_command("fit", "slp", *DIGITS, "--trainer.max_epochs", 1).code == 0
    content = json.loads((FOLDER / "run.json").read_text(encoding="utf-8"))
    assert content["format"] == 1
    assert content["command"].endswith("fit --model slp --data digits --trainer.max_epochs 1")
    assert content["job"] == ""
    assert content["versions"] == versions()
    assert content["seconds"] == json.loads((FOLDER / "results.json").read_text(encoding="utf-8"))["seconds"] > 0
    assert not (FOLDER / "config.yaml").read_text(encoding="utf-8").startswith("#")


@pytest.mark.parametrize("old", [False, True])
def test_the_command_is_the_one_that_made_the_run_so_long(old: bool, zoo_command: Command) -> None:
    assert zoo_command("fit", "slp", *DIGITS, "--trainer.max_epochs", 1).code == 0
    first = RunRecord.read(FOLDER)
    assert first
    (FOLDER / "results.json").unlink()
    if old:
        make_old(FOLDER)
    assert zoo_command("fit", "slp", "--ckpt_path", "last").code == 0
    resumed = RunRecord.read(FOLDER)
    assert resumed
    assert resumed.command == first.command
    if old:
        make_old(FOLDER)
    assert zoo_command("fit", "slp", "--ckpt_path", "last", "--trainer.max_epochs", 2).code == 0
    longer = RunRecord.read(FOLDER)
    assert longer
    assert longer.command.endswith("--ckpt_path last --trainer.max_epochs 2")
    assert json.loads((FOLDER / "results.json").read_text(encoding="utf-8"))["epochs"] == 2


def test_a_record_is_read_from_the_comments_of_an_older_run(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("# zoo fit --model slp\n# slurm 7\nseed: 0\n", encoding="utf-8")
    assert RunRecord.read(tmp_path) == RunRecord("zoo fit --model slp", "slurm 7", {})
    (tmp_path / "config.yaml").write_text("# zoo fit --model slp\nseed: 0\n", encoding="utf-8")
    assert RunRecord.read(tmp_path) == RunRecord("zoo fit --model slp", "", {})
    (tmp_path / "config.yaml").write_text("seed: 0\n", encoding="utf-8")
    assert RunRecord.read(tmp_path) is None


@pytest.mark.parametrize(
    "content", ["", "[]", "{", "null", '{"format": 1}', '{"format": 1, "command": 5, "job": "", "versions": {}}', "\0"]
)
def test_a_damaged_record_is_none(content: str, zoo_command: Command) -> None:
    assert zoo_command("fit", "slp", *DIGITS, "--trainer.max_epochs", 1).code == 0
    (FOLDER / "run.json").write_text(content, encoding="utf-8")
    assert RunRecord.read(FOLDER) is None
    assert zoo_command("fit", "slp", "--ckpt_path", "last", "--trainer.max_epochs", 2).code == 0
    assert RunRecord.read(FOLDER)


def test_null_that_is_not_the_default_is_kept(zoo_command: Command) -> None:
    interval = ("--trainer.val_check_interval", 30, "--trainer.check_val_every_n_epoch", "null")
    assert zoo_command("fit", "slp", *DIGITS, "--trainer.max_epochs", 2, *interval).code == 0
    assert "check_val_every_n_epoch: null\n" in (FOLDER / "config.yaml").read_text(encoding="utf-8")
    done = zoo_command("fit", "slp", "--ckpt_path", "last", "--trainer.max_epochs", 3)
    assert done.code == 0, done.err
    assert zoo_command("fit", "--config", FOLDER / "config.yaml").code == 0


def test_a_record_of_a_newer_release_is_refused(zoo_command: Command) -> None:
    assert zoo_command("fit", "slp", *DIGITS, "--trainer.max_epochs", 1).code == 0
    content = json.loads((FOLDER / "run.json").read_text(encoding="utf-8"))
    (FOLDER / "run.json").write_text(json.dumps({**content, "format": 2}), encoding="utf-8")
    with pytest.raises(ZooError, match="newer release"):
        RunRecord.read(FOLDER)
