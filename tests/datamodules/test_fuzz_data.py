"""Data files, with anything done to them: a data set, or one line."""

from __future__ import annotations

import gzip
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest
from conftest import write_mnist
from data_files import write_celeba, write_cifar, write_csv, write_folder, write_imdb, write_texts
from fuzzing import damage, damaged, often
from hypothesis import given
from hypothesis import strategies as st

import zoo


def read(name: str, root: Path, **arguments: int) -> None:
    """Read a data set; a ZooError of one line is well, everything else that is raised is not."""
    read_with(name, root=str(root), **arguments)


def read_with(name: str, **arguments: Any) -> None:
    """Read a data set that is made with these arguments, as :func:`read`."""
    problem = ""
    try:
        data = zoo.create_datamodule(name, val_size=4, **arguments)
        data.prepare_data()
        data.setup()
        for loader in (data.train_dataloader(), data.test_dataloader()):
            for x, _ in loader:
                assert len(x)
    except zoo.ZooError as error:
        problem = str(error)
    assert "\n" not in problem


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("originals")
    raw = write_mnist(root)
    for path in list(raw.iterdir()):
        (root / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    write_cifar(root)
    write_celeba(root)
    with tarfile.open(root / "aclImdb_v1.tar.gz", "w:gz") as tar:
        tar.add(write_imdb(root / "imdb"), "aclImdb")
    return root


IDX = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]


@often
@given(name=st.sampled_from(IDX), packed=st.booleans(), how=damage)
def test_damaged_mnist(name: str, packed: bool, how: tuple[int, str, bytes], originals: Path, tmp_path: Path) -> None:
    root = tmp_path / "data"
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(originals / "MNIST", root / "MNIST")
    target = root / "MNIST" / "raw" / name
    if packed:
        target.unlink()
        target.with_name(f"{name}.gz").write_bytes(damaged((originals / f"{name}.gz").read_bytes(), how))
    else:
        target.write_bytes(damaged(target.read_bytes(), how))
    read("mnist", root)


@often
@given(name=st.sampled_from(["data_batch_1", "data_batch_4", "test_batch"]), how=damage)
def test_damaged_cifar10(name: str, how: tuple[int, str, bytes], originals: Path, tmp_path: Path) -> None:
    root = tmp_path / "data"
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(originals / "cifar-10-batches-py", root / "cifar-10-batches-py")
    target = root / "cifar-10-batches-py" / name
    target.write_bytes(damaged(target.read_bytes(), how))
    read("cifar10", root)


@often
@given(how=damage)
def test_damaged_archive_of_reviews(how: tuple[int, str, bytes], originals: Path, tmp_path: Path) -> None:
    root = tmp_path / "data"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    (root / "aclImdb_v1.tar.gz").write_bytes(damaged((originals / "aclImdb_v1.tar.gz").read_bytes(), how))
    read("imdb", root)


@often
@given(how=damage, name=st.sampled_from(["list_attr_celeba.txt", "list_eval_partition.txt", "000002.jpg"]))
def test_damaged_celeba(name: str, how: tuple[int, str, bytes], originals: Path, tmp_path: Path) -> None:
    root = tmp_path / "data"
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(originals / "celeba", root / "celeba")
    target = root / "celeba" / ("img_align_celeba" if name.endswith(".jpg") else "") / name
    target.write_bytes(damaged(target.read_bytes(), how))
    read("celeba", root, num_workers=0, image_size=8)


@often
@given(how=damage, name=st.sampled_from(["cat/00.png", "cat/01.jpg", "dog/02.png"]), memory=st.sampled_from([0, 100]))
def test_a_damaged_folder(name: str, how: tuple[int, str, bytes], memory: int, tmp_path: Path) -> None:
    root = tmp_path / "data"
    shutil.rmtree(root, ignore_errors=True)
    target = write_folder(root) / name
    target.write_bytes(damaged(target.read_bytes(), how))
    read("folder", root, num_workers=0, image_size=8, memory=memory)


@often
@given(how=damage, cache=st.booleans())
def test_damaged_reviews(how: tuple[int, str, bytes], cache: bool, originals: Path, tmp_path: Path) -> None:
    root = tmp_path / "data"
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(originals / "imdb", root)
    if cache:
        read("imdb", root)
    target = next(root.glob(".imdb-*")) if cache else root / "aclImdb" / "train" / "pos" / "1_5.txt"
    target.write_bytes(damaged(target.read_bytes(), how))
    read("imdb", root)


@often
@given(how=damage, target=st.sampled_from(["kind", "price"]), missing=st.sampled_from(["refuse", "mean", "drop"]))
def test_damaged_table(how: tuple[int, str, bytes], target: str, missing: str, tmp_path: Path) -> None:
    arguments = write_csv(tmp_path) | {"target": target, "drop": "group", "missing": missing}
    path = Path(arguments["path"])
    path.write_bytes(damaged(path.read_bytes(), how))
    read_with("csv", **arguments)


@often
@given(how=damage, missing=st.sampled_from(["refuse", "drop"]))
def test_damaged_table_of_texts(how: tuple[int, str, bytes], missing: str, tmp_path: Path) -> None:
    arguments = write_texts(tmp_path) | {"missing": missing}
    path = Path(arguments["path"])
    path.write_bytes(damaged(path.read_bytes(), how))
    read_with("text", **arguments)
