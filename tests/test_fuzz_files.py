"""Configs, run folders, records of weights and paths, with anything done to them: a result, or one line."""

from __future__ import annotations

import csv
import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from altered import VALUES, altered, doing, place
from hypothesis import given
from hypothesis import strategies as st
from test_fuzz import check, damage, damaged, often, seldom
from test_strangers import COMMANDS, write_run

import zoo
import zoo.weights.records
from zoo.commands.cli import main

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


def timely(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    started = time.process_time()
    check(words, capsys)
    assert time.process_time() - started < 20


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
    config = yaml.safe_load((run_folder / "config.yaml").read_text())
    config["trainer"] = {k: v for k, v in config["trainer"].items() if k not in STARTS_PROCESSES}
    config["trainer"] |= {"callbacks": [{"class_path": "EMAWeightAveraging", "init_args": {"decay": 0.5}}]}
    config["model"]["optimizer_args"], config["out"] = {"momentum": 0.9}, "runs"
    content = yaml.safe_dump(altered(config, where, what, value), allow_unicode=True).encode("utf-8", "surrogatepass")
    Path("config.yaml").write_bytes(damaged(content, how) if how else content)
    timely(["fit", "--config", "config.yaml", "--trainer.fast_dev_run", "true", *_quiet()], capsys)


@often
@given(where=place, key=st.sampled_from(["logger", "callbacks", "profiler", "plugins"]), value=st.sampled_from(YAML))
def test_yaml_of_strangers(
    where: list[int], key: str, value: str, run_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = (run_folder / "config.yaml").read_text().splitlines()
    lines = [line for line in lines if line.strip().split(":")[0] not in (*STARTS_PROCESSES, key, "out")]
    if where[0] % 2:
        lines.append(f"  {key}: {value}")
    else:
        place = where[0] % len(lines)
        lines[place] = f"{lines[place].partition(':')[0]}: {value}"
    Path("config.yaml").write_text("\n".join(lines))
    timely(["fit", "--config", "config.yaml", "--trainer.fast_dev_run", "true", *_quiet()], capsys)


def _quiet() -> list[str]:
    return ["--trainer.enable_model_summary", "false"]


@seldom
@given(where=place, what=doing, value=st.sampled_from(VALUES), name=st.sampled_from(["results.json", "metrics.csv"]))
def test_altered_run_folders(
    where: list[int], what: str, value: Any, name: str, run_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree("runs", ignore_errors=True)
    shutil.copytree(run_folder, "runs/slp-digits/1")
    path = Path("runs/slp-digits/1", name)
    if name == "results.json":
        path.write_text(json.dumps(altered(json.loads(path.read_text()), where, what, value)))
    else:
        with path.open(newline="") as file:
            rows = altered(list(csv.reader(file)), where[:2], what, value)
        with path.open("w", newline="") as file:
            csv.writer(file).writerows(row if isinstance(row, list) else [row] for row in rows)
    timely(["results", "runs", "--csv", "x.csv"], capsys)
    on = ["--trainer.max_epochs", "3"] if name == "metrics.csv" else []
    timely(["fit", "slp", "--data", "digits", "--ckpt_path", "last", *on, *_quiet()], capsys)


@seldom
@given(
    where=place,
    what=doing,
    value=st.sampled_from(VALUES),
    command=st.sampled_from(["test", "predict", "export", "describe", "list"]),
)
def test_altered_records(
    where: list[int], what: str, value: Any, command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "weights"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for path in zoo.weights.records.FOLDER.glob("xor-xor.*"):
        shutil.copy(path, folder)
    path = folder / "xor-xor.json"
    path.write_text(json.dumps(altered(json.loads(path.read_text()), where, what, value)))
    of = ["--model", "xor", "--weights", "xor"]
    words = {
        "test": ["test", *of, *_quiet()],
        "predict": ["predict", *of, "0,1"],
        "export": ["export", *of, "--format", "safetensors", "--out", "m"],
        "describe": ["describe", "xor"],
        "list": ["list"],
    }[command]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zoo.weights.records, "FOLDER", folder)
        timely(words, capsys)


names = st.text(st.sampled_from("ab ~.é☃\x00\x1b\n\x85\u2028\udcff\u202e:*&!{[-'\"#%=\\"), max_size=12)
paths = st.lists(names | st.just("x" * 300), min_size=1, max_size=4).map("/".join)


@often
@given(
    path=paths.filter(lambda path: not path.startswith("/") and ".." not in path), command=st.sampled_from([*COMMANDS])
)
def test_paths_of_any_kind(path: str, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    if not Path("good").exists():
        write_run(Path("good/a/1"))
    words = COMMANDS[command](path)
    timely([*words, *_quiet()] if words[0] == "fit" else words, capsys)
