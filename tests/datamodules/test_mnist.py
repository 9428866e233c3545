"""MNIST and Fashion-MNIST: their files."""

from __future__ import annotations

import gzip
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from conftest import PATIENCE, TRAIN, write_idx
from data_files import cut, mnist, pack

import zoo
from zoo.datamodules.common import files

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"

FAULTS: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "images cut off": (lambda f: cut(f / IMAGES), IMAGES, "is damaged: 235993 bytes, expected 236000"),
    "labels cut off": (lambda f: cut(f / LABELS), LABELS, "is damaged"),
    "empty": (lambda f: (f / IMAGES).write_bytes(b""), IMAGES, "is not an IDX file"),
    "a web page": (
        lambda f: (f / LABELS).write_text("<html>404</html>", encoding="utf-8"),
        LABELS,
        "is not an IDX file",
    ),
    "swapped": (lambda f: (f / LABELS).replace(f / IMAGES), IMAGES, "is not an IDX file"),
    "fewer labels": (lambda f: write_idx(f / LABELS, torch.zeros(300)), LABELS, "has 301 images, but"),
    "other labels": (lambda f: write_idx(f / LABELS, torch.full((TRAIN,), 10)), LABELS, "the label 10"),
    "small images": (
        lambda f: write_idx(f / IMAGES, torch.zeros(TRAIN, 14, 28)),
        IMAGES,
        "images of 14×28, expected 28×28",
    ),
    "no images": (
        lambda f: (write_idx(f / IMAGES, torch.zeros(0, 28, 28)), write_idx(f / LABELS, torch.zeros(0))),
        IMAGES,
        "has no images",
    ),
    "too long": (lambda f: (f / IMAGES).write_bytes((f / IMAGES).read_bytes() + b"x"), IMAGES, "is damaged"),
    "missing": (lambda f: (f / IMAGES).unlink(), IMAGES, "is missing"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_damaged_files_are_named_in_one_line(fault: str, mnist_folder: Path) -> None:
    damage, file, message = FAULTS[fault]
    damage(mnist_folder)
    with pytest.raises(zoo.ZooError) as raised:
        mnist(mnist_folder).setup()
    assert message in str(raised.value)
    assert str(mnist_folder / file) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_archives_alone_are_unpacked(mnist_folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in mnist_folder.iterdir()}
    pack(mnist_folder)
    mnist(mnist_folder).prepare_data()
    assert {p.name: p.read_bytes() for p in mnist_folder.iterdir() if p.suffix != ".gz"} == before
    mnist(mnist_folder).setup()


@pytest.mark.parametrize(
    "damage", [cut, lambda path: path.write_bytes(b""), lambda path: path.write_text("<html>", encoding="utf-8")]
)
def test_a_damaged_archive_leaves_nothing_behind(damage: Callable[[Path], object], mnist_folder: Path) -> None:
    pack(mnist_folder)
    archive = mnist_folder / f"{IMAGES}.gz"
    good = archive.read_bytes()
    damage(archive)
    with pytest.raises(zoo.ZooError, match="is damaged") as raised:
        mnist(mnist_folder).prepare_data()
    assert str(archive) in str(raised.value)
    assert not (mnist_folder / IMAGES).exists()
    assert not list(mnist_folder.glob(".*"))
    archive.write_bytes(good)
    mnist(mnist_folder).prepare_data()
    mnist(mnist_folder).setup()


def test_absent_data_says_what_is_expected_where_and_the_ways_out(tmp_path: Path) -> None:
    with pytest.raises(zoo.ZooError) as raised:
        zoo.create_datamodule("mnist", root=str(tmp_path)).prepare_data()
    for part in (str(tmp_path / "MNIST" / "raw"), "the tests have no network", IMAGES, "--data.root"):
        assert part in str(raised.value)
    assert "digits" not in str(raised.value)  # a way out for training alone
    assert not list(tmp_path.iterdir())


def test_the_root_is_the_argument_else_the_environment_else_data(monkeypatch: pytest.MonkeyPatch) -> None:
    assert files.data_root("here") == Path("here")
    monkeypatch.setenv("ZOO_DATA", "there")
    assert files.data_root(None) == Path("there")
    monkeypatch.delenv("ZOO_DATA")
    assert files.data_root(None) == Path("data")


def test_fashion_mnist_has_its_own_folder_and_classes(tmp_path: Path) -> None:
    folder = tmp_path / "FashionMNIST" / "raw"
    folder.mkdir(parents=True)
    for prefix in ("train", "t10k"):
        write_idx(folder / f"{prefix}-images-idx3-ubyte", torch.full((30, 28, 28), 9))
        write_idx(folder / f"{prefix}-labels-idx1-ubyte", torch.arange(30) % 10)
    packed = folder / "train-labels-idx1-ubyte"
    packed.with_name(f"{packed.name}.gz").write_bytes(gzip.compress(packed.read_bytes()))
    packed.unlink()
    data = zoo.create_datamodule("fashion_mnist", root=str(tmp_path), val_size=5, padding=2)
    data.prepare_data()
    data.setup()
    assert data.classes[9] == "Ankle boot"
    x, _ = data.splits["train"].batch([0])
    assert data.scale(x).shape == (1, *data.shape) == (1, 1, 32, 32)


def test_two_processes_prepare_the_same_data_at_once(mnist_folder: Path, tmp_path: Path) -> None:
    import gzip

    for path in list(mnist_folder.iterdir()):
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    code = (
        "import sys, zoo; d = zoo.create_datamodule('mnist', root=sys.argv[1], val_size=9); d.prepare_data(); d.setup()"
    )
    command = [sys.executable, "-c", code, str(mnist_folder.parents[1])]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for process in both:
        _, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, err
