"""Configs and run folders, with anything done to them: a result, or one line."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from altered import VALUES, altered, doing, place
from fuzzing import check, damage, damaged, often, quiet, seldom, timely
from hypothesis import given
from hypothesis import strategies as st

from zoo.commands.cli import main


@seldom
@given(how=damage, which=st.sampled_from(["last.ckpt", "config.yaml", "results.json", "metrics.csv"]))
def test_damaged_run_folders(
    how: tuple[int, str, bytes],
    which: str,
    tmp_path_factory: pytest.TempPathFactory,
    capsys: pytest.CaptureFixture[str],
) -> None:
    whole = Path("whole")
    if not whole.exists():
        assert main(["fit", "slp", "--data", "digits", "--out", "whole", "--trainer.max_epochs", "1"]) == 0
    shutil.rmtree("runs", ignore_errors=True)
    shutil.copytree(whole, "runs")
    (target,) = Path("runs").rglob(which)
    target.write_bytes(damaged(target.read_bytes(), how))
    if which == "last.ckpt":
        check(["predict", "--ckpt", str(target), "nothing.png"], capsys)
    if which == "results.json":
        check(["fit", "slp", "--data", "digits", "--ckpt_path", "last"], capsys)
    short = [
        "--trainer.max_epochs",
        "2",
        "--trainer.limit_train_batches",
        "2",
        "--trainer.enable_model_summary",
        "false",
    ]
    check(["fit", "slp", "--data", "digits", "--ckpt_path", "last", *short], capsys)


STARTS_PROCESSES = ("devices", "num_nodes", "strategy", "accelerator")

YAML = [
    *("&a [1]", "*a", "!!python/name:os.system", "{a: &a [1, 1], b: [*a, *a]}", "2024-99-99", "? [1]", "<<: {a: 1}"),
    *(
        "{class_path: posix.abort}",
        "[{class_path: posix.abort}]",
        "posix.abort",
        "lightning.pytorch.Trainer",
        "1:99:99",
    ),
    *(
        "LearningRateMonitor",
        "[LearningRateMonitor, 3]",
        "9" * 5000,
        "0x" + "f" * 5000,
        "[" * 500,
        "- a\n- b",
        "~",
        "null",
        ".inf",
        "@x",
        "%x",
    ),
]


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    words = ("fit", "slp", "--data", "digits", "--trainer.max_epochs", "2", "--trainer.enable_model_summary", "false")
    assert main([*words, "--trainer.limit_train_batches", "2", "--out", str(folder), "--patience", "2"]) == 0
    return folder / "slp-digits" / "1"


@often
@given(where=place, what=doing, value=st.sampled_from([*VALUES, *YAML]), how=st.none() | damage)
def test_altered_configs(
    where: list[int],
    what: str,
    value: Any,
    how: tuple[int, str, bytes] | None,
    run_folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = yaml.safe_load((run_folder / "config.yaml").read_text(encoding="utf-8"))
    config["trainer"] = {k: v for k, v in config["trainer"].items() if k not in STARTS_PROCESSES}
    config["trainer"] |= {"callbacks": [{"class_path": "EMAWeightAveraging", "init_args": {"decay": 0.5}}]}
    config["model"]["optimizer_args"], config["out"] = {"momentum": 0.9}, "runs"
    content = yaml.safe_dump(altered(config, where, what, value), allow_unicode=True).encode("utf-8", "surrogatepass")
    Path("config.yaml").write_bytes(damaged(content, how) if how else content)
    timely(["fit", "--config", "config.yaml", "--trainer.fast_dev_run", "true", *quiet()], capsys)


@often
@given(where=place, key=st.sampled_from(["logger", "callbacks", "profiler", "plugins"]), value=st.sampled_from(YAML))
def test_yaml_of_strangers(
    where: list[int], key: str, value: str, run_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = (run_folder / "config.yaml").read_text(encoding="utf-8").splitlines()
    lines = [line for line in lines if line.strip().split(":")[0] not in (*STARTS_PROCESSES, key, "out")]
    if where[0] % 2:
        lines.append(f"  {key}: {value}")
    else:
        place = where[0] % len(lines)
        lines[place] = f"{lines[place].partition(':')[0]}: {value}"
    Path("config.yaml").write_text("\n".join(lines), encoding="utf-8")
    timely(["fit", "--config", "config.yaml", "--trainer.fast_dev_run", "true", *quiet()], capsys)


@seldom
@given(where=place, what=doing, value=st.sampled_from(VALUES), name=st.sampled_from(["results.json", "metrics.csv"]))
def test_altered_run_folders(
    where: list[int], what: str, value: Any, name: str, run_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree("runs", ignore_errors=True)
    shutil.copytree(run_folder, "runs/slp-digits/1")
    path = Path("runs/slp-digits/1", name)
    if name == "results.json":
        path.write_text(
            json.dumps(altered(json.loads(path.read_text(encoding="utf-8")), where, what, value)), encoding="utf-8"
        )
    else:
        with path.open(newline="", encoding="utf-8") as file:
            rows = altered(list(csv.reader(file)), where[:2], what, value)
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(row if isinstance(row, list) else [row] for row in rows)
    timely(["results", "runs", "--csv", "x.csv", "--sort", "test/acc", "--where", "model=slp"], capsys)
    timely(["compare", "runs/slp-digits/1", str(run_folder)], capsys)
    on = ["--trainer.max_epochs", "3"] if name == "metrics.csv" else []
    timely(["fit", "slp", "--data", "digits", "--ckpt_path", "last", *on, *quiet()], capsys)
