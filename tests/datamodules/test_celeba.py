"""CelebA, and the workers that read it."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
import torch
from conftest import Command
from data_files import write_celeba

import zoo
from zoo.datamodules.common import loader_module


def test_celeba_is_decoded_and_resized(tmp_path: Path) -> None:
    write_celeba(tmp_path)
    data = zoo.create_datamodule("celeba", root=str(tmp_path), image_size=32, num_workers=0)
    data.prepare_data()
    data.setup()
    assert [len(data.splits[split]) for split in ("train", "val", "test")] == [16, 7, 7]
    x, y = data.splits["train"].batch([0, 3])
    assert (x.shape, x.dtype) == ((2, 3, 32, 32), torch.uint8)
    assert y.shape == (2, 40)
    assert set(y.flatten().tolist()) == {0, 1}


def test_a_cnn_learns_attributes_with_workers(zoo_command: Command, tmp_path: Path) -> None:
    write_celeba(tmp_path)
    options = ("--data", "celeba", "--data.root", tmp_path, "--data.image_size", 32, "--model.loss", "bce")
    done = zoo_command("fit", "cifar_cnn", *options, "--data.batch_size", 8, "--trainer.max_epochs", 1)
    assert done.code == 0, done.err
    picture = next((tmp_path / "celeba" / "img_align_celeba").iterdir())
    done = zoo_command("predict", "--ckpt", "runs/cifar_cnn-celeba/1/checkpoints/best.ckpt", picture)
    assert done.code == 0, done.err
    assert "Smiling 0." in done.out


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: (f / "img_align_celeba" / "000003.jpg").unlink(), "000003.jpg is missing"),
        (
            lambda f: (f / "list_eval_partition.txt").write_text("000001.jpg 0\n", encoding="utf-8"),
            "does not assign 000002.jpg to split",
        ),
        (
            lambda f: (f / "list_attr_celeba.txt").write_text("1\nnames\n000001.jpg 1 -1\n", encoding="utf-8"),
            "line 3: 3 columns, expected 41",
        ),
        (lambda f: (f / "list_attr_celeba.txt").unlink(), "list_attr_celeba.txt is missing"),
        (lambda f: (f / "list_attr_celeba.txt").write_bytes(b"\xff\xfe"), "list_attr_celeba.txt is not UTF-8"),
        (lambda f: (f / "img_align_celeba").rename(f / "b") and (f / "img_align_celeba").touch(), "Not a directory"),
    ],
)
def test_a_celeba_folder_that_is_not_whole_is_told(damage: object, message: str, tmp_path: Path) -> None:
    damage(write_celeba(tmp_path))  # type: ignore[operator]
    data = zoo.create_datamodule("celeba", root=str(tmp_path))
    with pytest.raises(zoo.ZooError, match=message):
        data.prepare_data() or data.setup()  # type: ignore[func-returns-value]


@pytest.mark.usefixtures("start_method")
@pytest.mark.parametrize("start_method", ["fork"], indirect=True)  # a worker inherits what is patched here
@pytest.mark.parametrize("fault", ["hangs", "dies", "no picture"])
def test_a_worker_that_fails_is_told_in_one_line(
    fault: str, tmp_path: Path, zoo_command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = write_celeba(tmp_path / "data") / "img_align_celeba"
    victim = sorted(pictures.iterdir())[0]
    if fault == "hangs":
        monkeypatch.setattr(loader_module, "SECONDS_TO_LOAD", 2)
        monkeypatch.setattr("zoo.transforms.Photo.pixels", lambda *_: time.sleep(600))
    elif fault == "dies":
        monkeypatch.setattr("zoo.transforms.Photo.pixels", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    else:
        victim.write_text("not a picture", encoding="utf-8")
    done = zoo_command(
        *("fit", "cifar_cnn", "--data", "celeba", "--data.root", tmp_path / "data", "--data.image_size", 16),
        *("--data.num_workers", 1, "--data.val_size", 2, "--data.batch_size", 4, "--model.loss", "bce"),
        *("--trainer.max_epochs", 1, "--trainer.accelerator", "cpu"),
    )
    assert done.code == 2
    (error,) = [line for line in done.err.splitlines() if line.startswith("zoo: error")]
    expected = {
        "hangs": "timed out",
        "dies": "DataLoader worker (pid",
        "no picture": f"zoo: error: {victim} cannot be read",
    }
    assert expected[fault] in error
    assert "Traceback" not in done.err
