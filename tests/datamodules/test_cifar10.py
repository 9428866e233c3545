"""CIFAR-10."""

from __future__ import annotations

import io
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from data_files import write_cifar

import zoo


def test_cifar10_is_read_into_one_tensor_and_scaled(tmp_path: Path) -> None:
    write_cifar(tmp_path)
    data = zoo.create_datamodule("cifar10", root=str(tmp_path), val_size=10)
    data.prepare_data()
    data.setup()
    x, y = data.splits["train"].batch(list(range(90)))
    assert x.shape == (90, 3, 32, 32)
    assert x.dtype == torch.uint8
    scaled = data.scale(x)
    assert scaled.min() == -1
    assert scaled.max() == 1
    assert set(y.tolist()) == set(range(10))


def repickled(path: Path, **changes: object) -> None:
    content = pickle.loads(path.read_bytes())
    content.update({key.encode(): value for key, value in changes.items()})
    path.write_bytes(pickle.dumps(content, protocol=2))


CIFAR_FAULTS = {
    "cut off": lambda f: (f / "data_batch_2").write_bytes((f / "data_batch_2").read_bytes()[:1000]),
    "swapped": lambda f: (f / "data_batch_2").write_bytes((f / "test_batch").read_bytes()),
    "missing": lambda f: (f / "data_batch_2").unlink(),
    "web page": lambda f: (f / "data_batch_2").write_text("<html>", encoding="utf-8"),
    "fewer labels": lambda f: repickled(f / "data_batch_2", labels=[1, 2]),
    "labels out of range": lambda f: repickled(f / "data_batch_2", labels=[12] * 20),
    "other shape": lambda f: repickled(f / "data_batch_2", data=np.zeros((20, 3000), np.uint8)),
    "other type": lambda f: repickled(f / "data_batch_2", data=np.zeros((20, 3072), np.float32)),
}


@pytest.mark.parametrize("fault", CIFAR_FAULTS)
def test_damaged_cifar_batches_are_named(fault: str, tmp_path: Path) -> None:
    folder = write_cifar(tmp_path)
    CIFAR_FAULTS[fault](folder)
    with pytest.raises(zoo.ZooError) as raised:
        zoo.create_datamodule("cifar10", root=str(tmp_path), val_size=10).setup()
    assert str(folder / "data_batch_2") in str(raised.value)
    assert "\n" not in str(raised.value)


def pack(folder: Path, archive: Path) -> None:
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(folder, folder.name)


def test_the_cifar_archive_alone_is_unpacked(tmp_path: Path) -> None:
    folder = write_cifar(tmp_path / "made")
    pack(folder, tmp_path / "cifar-10-python.tar.gz")
    data = zoo.create_datamodule("cifar10", root=str(tmp_path), val_size=10)
    data.prepare_data()
    data.setup()
    assert len(data.splits["test"]) == 20


@pytest.mark.parametrize("kind", ["leaves the folder", "cut off", "no archive", "other content"])
def test_an_archive_that_is_not_right_leaves_nothing(kind: str, tmp_path: Path) -> None:
    archive = tmp_path / "root" / "cifar-10-python.tar.gz"
    archive.parent.mkdir()
    if kind == "leaves the folder":
        with tarfile.open(archive, "w:gz") as tar:
            member = tarfile.TarInfo("../escaped")
            member.size = 3
            tar.addfile(member, io.BytesIO(b"out"))
    elif kind == "no archive":
        archive.write_text("<html>", encoding="utf-8")
    else:
        pack(write_cifar(tmp_path / "made") if kind == "cut off" else tmp_path / "root", archive)
        if kind == "cut off":
            archive.write_bytes(archive.read_bytes()[:5000])
    with pytest.raises(zoo.ZooError, match="nothing was unpacked") as raised:
        zoo.create_datamodule("cifar10", root=str(archive.parent)).prepare_data()
    assert str(archive) in str(raised.value)
    assert "\n" not in str(raised.value)
    assert list(archive.parent.iterdir()) == [archive]
    assert not (tmp_path / "escaped").exists()
