"""Files from elsewhere never run code, whatever they hold and whatever the environment asks for."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import Command
from data_files import write_cifar, write_imdb

import zoo

MARK = Path("the-pickle-ran")


class Malicious:
    """Touches a file when it is unpickled."""

    def __reduce__(self) -> Any:
        return Path.touch, (MARK.absolute(),)


@pytest.fixture(params=["", "1"], ids=["plain", "forced"])
def environment(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With and without what makes torch unpickle everything by default."""
    if request.param:
        monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", request.param)


def test_the_malice_would_work(tmp_path: Path) -> None:
    torch.save(Malicious(), "x.ckpt")
    torch.load("x.ckpt", weights_only=False)
    assert MARK.exists()


def malicious_checkpoints(good: Path) -> list[Path]:
    """Return checkpoints that hold code in every place that was ever known to run it."""
    checkpoint = torch.load(good, weights_only=True)
    paths = []
    for place, changed in {
        "whole": Malicious(),
        "weights": {**checkpoint, "state_dict": Malicious()},
        "hyperparameters": {**checkpoint, "hyper_parameters": {"in_dim": Malicious()}},
        "instantiator": {
            **checkpoint,
            "hyper_parameters": {**checkpoint["hyper_parameters"], "_instantiator": "os.system"},
            "extra": Malicious(),
        },
        "transform": {**checkpoint, "zoo": {**checkpoint["zoo"], "transform": Malicious()}},
        "callbacks": {**checkpoint, "callbacks": {"x": Malicious()}},
    }.items():
        path = Path(f"{place}.ckpt")
        torch.save(changed, path)
        paths.append(path)
    legacy = Path("legacy.ckpt")
    torch.save(Malicious(), legacy, _use_new_zipfile_serialization=False)
    bare = Path("bare.ckpt")
    bare.write_bytes(pickle.dumps(Malicious()))
    return [*paths, legacy, bare]


@pytest.mark.usefixtures("environment")
def test_no_checkpoint_runs_code(zoo_command: Command, tmp_path: Path) -> None:
    assert zoo_command("fit", "slp", "--data", "digits", "--trainer.max_epochs", 1).code == 0
    for path in malicious_checkpoints(Path("runs/slp-digits/1/checkpoints/last.ckpt")):
        with pytest.raises(zoo.ZooError, match="is not a checkpoint, or is damaged"):
            zoo.load_model(path)
        for words in (
            ("test", "--ckpt", path),
            ("predict", "--ckpt", path, "a.png"),
            ("export", "--ckpt", path, "--format", "pt2", "--out", "m"),
            ("fit", "slp", "--data", "digits", "--ckpt_path", path),
        ):
            done = zoo_command(*words)
            assert done.code == 2
            assert done.err.count("\n") == 1
        assert not MARK.exists(), path


def test_lightnings_instantiator_is_no_argument(zoo_command: Command) -> None:
    """Plain values alone can name a function to call; the zoo calls nothing that a file names."""
    assert zoo_command("fit", "slp", "--data", "digits", "--trainer.max_epochs", 1).code == 0
    path = Path("runs/slp-digits/1/checkpoints/last.ckpt")
    checkpoint = torch.load(path, weights_only=True)
    checkpoint["hyper_parameters"]["_instantiator"] = "os.getcwd"
    torch.save(checkpoint, path)
    with pytest.raises(zoo.ZooError, match="takes no argument '_instantiator'"):
        zoo.load_model(path)


def test_metrics_of_a_checkpoint_set_nothing_else(zoo_command: Command) -> None:
    assert zoo_command("fit", "slp", "--data", "digits", "--trainer.max_epochs", 1).code == 0
    path = Path("runs/slp-digits/1/checkpoints/last.ckpt")
    checkpoint = torch.load(path, weights_only=True)
    checkpoint["measured"][0]["counts"]["train/acc"]["compute"] = torch.zeros(1)
    torch.save(checkpoint, path)
    assert callable(zoo.load_model(path).split_metrics["train/"]["acc"].compute)
    torch.save({**checkpoint, "measured": [5]}, path)
    with pytest.raises(zoo.ZooError, match=r"is damaged: measured\[0\] is 5, expected a dictionary"):
        zoo.load_model(path)


@pytest.mark.usefixtures("environment")
def test_a_resumed_fit_itself_reads_no_code(zoo_command: Command, tmp_path: Path) -> None:
    """The file is changed after the zoo has looked at it, and before Lightning does."""
    assert zoo_command("fit", "slp", "--data", "digits", "--trainer.max_epochs", 1).code == 0
    path = Path("runs/slp-digits/1/checkpoints/last.ckpt")
    code = f"""
import pickle, sys, torch
from pathlib import Path
import zoo.commands.fit
from zoo.commands.cli import main
class Malicious:
    def __reduce__(self): return Path.touch, (Path({str(MARK.absolute())!r}),)
announce = zoo.commands.fit.announce
def swap(*arguments):
    announce(*arguments)
    checkpoint = torch.load({str(path)!r}, weights_only=True)
    torch.save({{**checkpoint, "callbacks": Malicious()}}, {str(path)!r})
zoo.commands.fit.announce = swap
main(["fit", "slp", "--data", "digits", "--ckpt_path", {str(path)!r}, "--trainer.max_epochs", "3"])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=dict(os.environ)
    )
    assert "weights_only" in done.stderr.lower() or "unpickl" in done.stderr.lower()
    assert not MARK.exists()


@pytest.mark.parametrize("address", ["https://example.com/last.ckpt", "s3://bucket/last.ckpt", "file:///tmp/last.ckpt"])
def test_addresses_are_refused(address: str, zoo_command: Command) -> None:
    with pytest.raises(zoo.ZooError, match="is a URL; download"):
        zoo.load_model(address)
    for words in (("test", "--ckpt", address), ("fit", "slp", "--data", "digits", "--ckpt_path", address)):
        done = zoo_command(*words)
        assert done.code == 2
        assert "is a URL" in done.err


@pytest.mark.usefixtures("environment")
def test_no_data_file_runs_code(tmp_path: Path) -> None:
    folder = write_cifar(tmp_path)
    (folder / "data_batch_1").write_bytes(pickle.dumps({b"batch_label": Malicious()}))
    with pytest.raises(zoo.ZooError, match="data_batch_1 is damaged"):
        zoo.create_datamodule("cifar10", root=str(tmp_path), val_size=5).setup()
    assert not MARK.exists()


@pytest.mark.usefixtures("environment")
def test_no_cache_runs_code(tmp_path: Path) -> None:
    write_imdb(tmp_path)

    def words() -> Any:
        data = zoo.create_datamodule("imdb", root=str(tmp_path), val_size=8, min_frequency=1)
        data.setup()
        return data.splits["train"].ids[0].tolist()

    expected = words()
    (cache,) = tmp_path.glob(".imdb-*.npz")
    np.savez(cache.with_suffix(""), tokenizer=np.array([Malicious()], dtype=object))
    assert words() == expected
    with zipfile.ZipFile(cache, "w") as archive:
        archive.writestr("tokenizer.npy", pickle.dumps(Malicious()))
    assert words() == expected
    cache.write_bytes(pickle.dumps(Malicious()))
    assert words() == expected
    assert not MARK.exists()


@pytest.mark.parametrize("value", [Path("a"), torch.ones(1), len, {"a": {1, 2}}, [object()]])
def test_hyperparameters_must_be_plain(value: object) -> None:
    with pytest.raises(zoo.ZooError, match="must be plain"):
        zoo.create_model("slp", optimizer_args={"momentum": value})


def test_a_config_makes_no_objects(zoo_command: Command) -> None:
    Path("config.yaml").write_text("model:\n  name: slp\n  lr: !!python/object/apply:os.getcwd []\n", encoding="utf-8")
    done = zoo_command("fit", "--config", "config.yaml")
    assert done.code == 2
    assert done.err.count("\n") == 1


def test_weights_are_safetensors_alone() -> None:
    for path in zoo.weights.records.FOLDER.iterdir():
        assert path.suffix in (".py", ".json", ".safetensors") or path.name == "__pycache__", path
        if path.suffix == ".json":
            assert json.loads(path.read_text(encoding="utf-8"))["sha256"]
