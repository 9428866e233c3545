"""What strangers made, and names that nobody would give: one line, nothing that hangs or steers a terminal."""

from __future__ import annotations

import csv
import json
import os
import pickle
import shutil
import tarfile
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import Command, make_pipe
from data_files import write_cifar, write_imdb

import zoo
from zoo.datamodules.common import DataModule
from zoo.support.console import is_printable

EVIL = "a\x1b]0;owned\x07\x9b2J\r\x7f\u202eb\u2028c"


def write_run(folder: Path, **changes: Any) -> Path:
    """Write the results.json of a run, with something changed."""
    folder.mkdir(parents=True)
    results = {"model": "slp", "data": "digits", "seed": 0, "epochs": 1, "steps": 2, "seconds": 0.5}
    path = folder / "results.json"
    path.write_text(json.dumps({**results, "metrics": {"test": {"acc": 0.5}}, **changes}), encoding="utf-8")
    return path


def test_results_of_strangers_steer_nothing(zoo_command: Command) -> None:
    write_run(Path("runs/a/1"), model=EVIL, metrics={"test": {EVIL: 1.0}})
    write_run(Path("runs/a/2"))
    (Path("runs") / EVIL).mkdir()
    (Path("runs") / EVIL / "results.json").write_text("{}", encoding="utf-8")
    done = zoo_command("results", "runs")
    assert done.code == 0
    assert is_printable((done.out + done.err).replace("\n", ""))
    assert "owned" in done.out
    assert done.err.count("\n") == 1


def test_a_spreadsheet_runs_nothing(zoo_command: Command) -> None:
    names = ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(1)", "\tx", "\rx", "good"]
    for number, name in enumerate(names):
        write_run(Path(f"runs/a/{number}"), model=name, seed=-number, metrics={"test": {"=x": -0.5}})
    assert zoo_command("results", "runs", "--csv", "x.csv").code == 0
    with open("x.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert all(not cell.startswith(("=", "+", "@", "\t", "\r")) for row in rows for cell in [*row, *row.values()])
    assert [row["model"] for row in rows][:4] == [f"'{name}" for name in names[:4]]
    assert rows[6]["model"] == "good"
    assert [row["seed"] for row in rows] == ["0", "-1", "-2", "-3", "-4", "-5", "-6"]
    assert float(rows[0]["test/=x"]) == -0.5


NAMES = [
    "../../x",
    "/tmp/x",
    "a/b",
    "..",
    "a\nb",
    "a\x85b",
    "a\u2028b",
    "a\x1b[2Jb",
    "a\u202eb",
    "~root",
    "x" * 300,
    "a\0",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_stays_in_its_folder(name: str, zoo_command: Command) -> None:
    done = zoo_command("fit", "slp", "--data", "digits", "--name", name, "--trainer.fast_dev_run", "true")
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert is_printable(done.err.strip())
    assert not any(Path().iterdir())


@pytest.mark.parametrize("out", ["a: b", "a #b", "- a", "null", "1", "[x]", "a\tb", "*a"])
def test_the_config_of_a_run_can_be_read_wherever_it_is(out: str, zoo_command: Command) -> None:
    words = ("--trainer.max_epochs", "1", "--trainer.limit_train_batches", "1", "--name", "x")
    done = zoo_command("fit", "slp", "--data", "digits", f"--out={out}", *words)
    if not is_printable(out):
        assert done.code == 2
        return
    assert done.code == 0, done.err
    on = ("--ckpt_path", f"{out}/x/1/checkpoints/last.ckpt", "--trainer.max_epochs", "2")
    again = zoo_command("fit", "--config", f"{out}/x/1/config.yaml", *on)
    assert again.code == 0, again.err
    assert f"{out}/x/1" in again.out


BAD = {
    "long": "x" * 5000,
    "long name": "x" * 300,
    "nobody": "~nosuchuser/x",
    "link": "link/x",
    "loop": "loop/x",
    "nul": "a\0b",
    "newline": "a\nb",
    "escape": "a\x1b[2Jb",
    "half": "a\udcffb",
    "file": "file/x",
    "pipe": "pipe",
    "device": "/dev/full",
}

COMMANDS: dict[str, Callable[[str], list[str]]] = {
    "out": lambda path: ["fit", "slp", "--data", "digits", "--out", path, "--trainer.max_steps", "1"],
    "data root": lambda path: ["fit", "slp", "--data", "mnist", "--data.root", path],
    "resume": lambda path: ["fit", "slp", "--data", "digits", "--ckpt_path", path],
    "test": lambda path: ["test", "--ckpt", path],
    "predict": lambda path: ["predict", "--ckpt", path, "x.png"],
    "picture": lambda path: ["predict", "--model", "slp", "--weights", "default", path],
    "export to": lambda path: [
        *("export", "--model", "slp", "--weights", "default", "--format", "safetensors", "--out", path)
    ],
    "results": lambda path: ["results", path],
    "csv": lambda path: ["results", "good", "--csv", path],
    "compare": lambda path: ["compare", "good/a/1", path],
    "compare out": lambda path: ["compare", "good/a/1", "good/a/2", "--out", path],
    "prepare": lambda path: ["prepare", "mnist", "--root", path],
    "config": lambda path: ["fit", "--config", path],
}


@pytest.mark.parametrize("path", BAD.values(), ids=BAD.keys())
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS.keys())
def test_paths_that_cannot_be(command: Callable[[str], list[str]], path: str, zoo_command: Command) -> None:
    Path("link").symlink_to("nothing")
    Path("loop").symlink_to("loop")
    Path("file").write_text("", encoding="utf-8")
    make_pipe("pipe")
    write_run(Path("good/a/1"))
    started = time.process_time()
    done = zoo_command(*command(path))
    if path in ("a\udcffb", "/dev/full", "pipe") and done.code == 0:  # some take them
        return
    assert done.code == 2, done
    assert done.err.count("\n") == 1, done.err
    assert is_printable(done.err.strip().encode("utf-8", "replace").decode())
    assert len(done.err) < 1000
    assert time.process_time() - started < 20


@pytest.mark.parametrize("root", ["~nosuchuser/x", "x" * 5000, "a\nb", "link"])
def test_a_data_root_that_is_not_used_does_not_matter(
    root: str, zoo_command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("link").symlink_to("nothing")
    monkeypatch.setenv("ZOO_DATA", root)
    words = ("--trainer.fast_dev_run", "true")
    for network in ("slp", "cifar_cnn"):
        assert zoo_command("fit", network, "--data", "digits", *words).code == 0
    done = zoo_command("fit", "slp", "--data", "mnist", *words)
    assert done.code == 2
    assert "ZOO_DATA" in done.err
    assert done.err.count("\n") == 1


def prepared(data: DataModule) -> None:
    data.prepare_data()
    data.setup()


def _tar(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> None:
    with tarfile.open(path, "w:gz") as tar:
        for member, content in members:
            member.size = len(content)
            tar.addfile(member, BytesIO(content))


def _member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, link
    return member


TARS: dict[str, list[tuple[tarfile.TarInfo, bytes]]] = {
    "hard link to nothing": [(_member("aclImdb/a", tarfile.LNKTYPE, "aclImdb/b"), b"")],
    "hard link to itself": [(_member("aclImdb/a", tarfile.LNKTYPE, "aclImdb/a"), b"")],
    "hard link out": [(_member("aclImdb/a", tarfile.LNKTYPE, "../../etc/passwd"), b"")],
    "link out": [(_member("aclImdb/a", tarfile.SYMTYPE, "/etc/passwd"), b"")],
    "links in a circle": [(_member("aclImdb", tarfile.SYMTYPE, "aclImdb"), b""), (_member("aclImdb/x"), b"x")],
    "device": [(_member("aclImdb/a", tarfile.CHRTYPE), b"")],
    "pipe": [(_member("aclImdb/a", tarfile.FIFOTYPE), b"")],
    "absolute": [(_member("/aclImdb/a"), b"x")],
    "leaves": [(_member("aclImdb/../../x"), b"x")],
    "long name": [(_member("aclImdb/" + "x" * 300), b"x")],
    "file and folder": [(_member("aclImdb"), b"x"), (_member("aclImdb/x"), b"x")],
    "no folder": [(_member("other/x"), b"x")],
    "nothing": [],
}


@pytest.mark.parametrize("members", TARS.values(), ids=TARS.keys())
def test_archives_of_strangers(members: list[tuple[tarfile.TarInfo, bytes]], tmp_path: Path) -> None:
    _tar(tmp_path / "aclImdb_v1.tar.gz", *members)
    data = zoo.create_datamodule("imdb", root=str(tmp_path))
    with pytest.raises(zoo.ZooError) as problem:
        prepared(data)
    assert "\n" not in str(problem.value)
    assert {path.name for path in tmp_path.iterdir()} <= {"aclImdb_v1.tar.gz", "aclImdb"}


def test_a_name_with_nul_in_an_archive(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "aclImdb_v1.tar.gz", "w:gz", format=tarfile.PAX_FORMAT) as tar:
        member = tarfile.TarInfo("aclImdb/x")
        member.pax_headers = {"path": "aclImdb/a\0b"}
        tar.addfile(member)
    with pytest.raises(zoo.ZooError, match="is damaged, or not safe to unpack"):
        zoo.create_datamodule("imdb", root=str(tmp_path)).prepare_data()


LABELS: dict[str, Any] = {
    "text": "0123456789",
    "texts": ["a"] * 10,
    "floats": [0.5] * 10,
    "lists": [[1]] * 10,
    "none": None,
    "number": 5,
    "array": np.zeros(10, np.int64),
    "dictionary": dict.fromkeys(range(10), 0),
    "huge": [10**30] * 10,
    "bools": [True] * 10,
    "mixed": [0, "1", None, 3, 4, 5, 6, 7, 8, 9],
    "fewer": [0],
    "negative": [-1] * 10,
}


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS.keys())
def test_labels_of_another_type(labels: Any, tmp_path: Path) -> None:
    path = write_cifar(tmp_path) / "data_batch_2"
    content = pickle.loads(path.read_bytes(), encoding="bytes")
    path.write_bytes(pickle.dumps({**content, b"labels": labels}))
    with pytest.raises(zoo.ZooError, match="data_batch_2") as problem:
        zoo.create_datamodule("cifar10", root=str(tmp_path), val_size=2).setup()
    assert "\n" not in str(problem.value)


@pytest.mark.parametrize("kind", ["pipe", "folder", "device"])
@pytest.mark.parametrize("name", ["idx", "gz", "batch", "review", "list", "archive", "picture", "text"])
def test_only_regular_files_are_read(
    kind: str, name: str, mnist_folder: Path, tmp_path: Path, zoo_command: Command
) -> None:
    if name in ("idx", "gz"):
        path = mnist_folder / "train-images-idx3-ubyte"
        path.unlink()
        path = path.with_name(f"{path.name}.gz") if name == "gz" else path
        words = ["prepare", "mnist", "--root", str(mnist_folder.parents[1])]
    elif name == "batch":
        path = write_cifar(tmp_path) / "data_batch_2"
        words = ["prepare", "cifar10", "--root", str(tmp_path)]
    elif name == "review":
        write_imdb(tmp_path)
        path = tmp_path / "aclImdb/train/pos/1_5.txt"
        words = ["prepare", "imdb", "--root", str(tmp_path)]
    elif name == "archive":
        path = tmp_path / "aclImdb_v1.tar.gz"
        words = ["prepare", "imdb", "--root", str(tmp_path)]
    elif name == "list":
        (tmp_path / "celeba/img_align_celeba").mkdir(parents=True)
        (tmp_path / "celeba/list_eval_partition.txt").write_text("", encoding="utf-8")
        path = tmp_path / "celeba/list_attr_celeba.txt"
        words = ["prepare", "celeba", "--root", str(tmp_path)]
    else:
        path = Path("given")
        network = "slp" if name == "picture" else "xor"
        words = ["predict", "--model", network, "--weights", "default", "given"]
    path.unlink(missing_ok=True)
    if kind == "pipe":
        make_pipe(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero")
    done = zoo_command(*words)
    assert done.code == 2
    assert done.err.count("\n") == 1, done.err


def test_a_huge_review(tmp_path: Path, zoo_command: Command) -> None:
    folder = write_imdb(tmp_path)
    (folder / "train/pos/1_5.txt").write_text("good " * 2_000_000, encoding="utf-8")
    started = time.process_time()
    with pytest.raises(zoo.ZooError, match="more than 1,000,000 bytes"):
        zoo.create_datamodule("imdb", root=str(tmp_path)).setup()
    Path("review.txt").write_text("good " * 2_000_000, encoding="utf-8")
    done = zoo_command("predict", "--model", "bilstm_sentiment", "--weights", "default", "review.txt")
    assert done.code == 2
    assert "expected at most 1,000,000" in done.err
    assert done.err.count("\n") == 1
    assert time.process_time() - started < 20


def test_a_review_that_was_edited_is_read_again(tmp_path: Path) -> None:
    folder = write_imdb(tmp_path)
    path = folder / "train/pos/1_5.txt"

    def longest() -> int:
        data = zoo.create_datamodule("imdb", root=str(tmp_path), val_size=0, min_frequency=1)
        data.setup()
        return int(data.splits["train"].lengths.max())

    before = longest()
    with path.open("r+", encoding="utf-8") as file:  # in place: neither the folder's time nor its names change
        file.write("edited " * 100)
    assert longest() >= before + 50
    when = path.stat().st_mtime_ns
    assert len(list(tmp_path.glob(".imdb-*.npz"))) == 2
    os.utime(path, ns=(when, when))
    longest()
    assert len(list(tmp_path.glob(".imdb-*.npz"))) == 2


RECORDS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "list": lambda record: [],
    "deep": lambda record: "deep",
    "no metrics": lambda record: {**record, "metrics": {}},
    "metrics are text": lambda record: {**record, "metrics": {"test": {"acc": "x"}}},
    "arguments are text": lambda record: {**record, "arguments": {"in_dim": "x"}},
    "arguments are huge": lambda record: {**record, "arguments": {"in_dim": 10**12}},
    "unknown data": lambda record: {**record, "data": "nothing"},
    "data arguments": lambda record: {**record, "data_arguments": {"val_size": "x"}},
    "unknown data argument": lambda record: {**record, "data_arguments": {"x": 1}},
    "classes": lambda record: {**record, "classes": ["a"]},
    "class names": lambda record: {**record, "classes": [1] * 10},
    "preprocessing": lambda record: {**record, "preprocessing": {"name": "Row", "features": 2}},
    "preprocessing of size": lambda record: {**record, "preprocessing": {"name": "Digit", "size": 10**9}},
    "steps": lambda record: {**record, "steps": "many"},
    "checksum": lambda record: {**record, "sha256": 5},
    "more": lambda record: {**record, "other": 1},
}


@pytest.mark.parametrize("how", RECORDS.values(), ids=RECORDS.keys())
def test_damaged_records_of_weights(
    how: Callable[[dict[str, Any]], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, zoo_command: Command
) -> None:
    for path in zoo.weights.records.FOLDER.glob("slp-mnist.*"):
        shutil.copy(path, tmp_path)
    monkeypatch.setattr(zoo.weights.records, "FOLDER", tmp_path)
    path = tmp_path / "slp-mnist.json"
    changed = how(json.loads(path.read_text(encoding="utf-8")))
    path.write_text("[" * 100_000 if changed == "deep" else json.dumps(changed), encoding="utf-8")
    torch.save({}, "x.png")
    done = zoo_command("predict", "--model", "slp", "--weights", "mnist", "x.png")
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert "damaged" in done.err or "nothing" in done.err


@pytest.mark.parametrize("name", ["results.json", "metrics.csv", "config.yaml", "last.ckpt"])
def test_a_run_folder_with_a_pipe_in_it(name: str, zoo_command: Command) -> None:
    words = ("fit", "slp", "--data", "digits", "--trainer.limit_train_batches", "1", "--trainer.max_epochs")
    assert zoo_command(*words, "1").code == 0
    (path,) = Path("runs").rglob(name)
    path.unlink()
    make_pipe(path)
    Path("runs/slp-digits/1/checkpoints/best.ckpt").unlink()
    for more in (
        ("results", "runs"),
        ("compare", "runs/slp-digits/1", "runs/slp-digits/2"),
        (*words, "1", "--ckpt_path", "last"),
        (*words, "2", "--ckpt_path", "last"),
    ):
        done = zoo_command(*more)
        assert done.code in (0, 2)
        assert done.err.count("zoo: error: ") == (done.code == 2), done.err
