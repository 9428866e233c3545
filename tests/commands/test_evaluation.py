"""``zoo test`` and ``zoo predict``."""

from __future__ import annotations

from pathlib import Path

from conftest import TEST, Command
from PIL import Image

import zoo


def test_predict_labels_pictures_and_names_the_unreadable(zoo_command: Command, trained: Path) -> None:
    data = zoo.create_datamodule("digits")
    data.setup()
    x, _ = data.splits["test"].tensors
    for index in range(3):
        Image.fromarray(x[index, 0].numpy()).save(f"digit{index}.png")
    Path("notes.png").write_text("not a picture", encoding="utf-8")
    best = trained / "checkpoints" / "best.ckpt"
    done = zoo_command("predict", "--ckpt", best, "digit0.png", "notes.png", "digit1.png")
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert "notes.png" in done.err
    lines = [line.split() for line in done.out.splitlines()]
    assert [line[0] for line in lines] == ["digit0.png", "digit1.png"]
    for _, label, probability in lines:
        assert label in data.classes
        assert 0 <= float(probability) <= 1
    done = zoo_command("predict", "--model", "slp", "--ckpt", best, "digit2.png")
    assert (done.code, done.err) == (0, "")


def test_test_takes_other_data(zoo_command: Command, trained: Path, shared_root: Path) -> None:
    done = zoo_command(
        *("test", "--ckpt", trained / "checkpoints" / "best.ckpt"),
        *("--data", "mnist", "--data.root", shared_root, "--data.val_size", 9),
    )
    assert done.code == 0
    assert f"mnist (292 train, 9 val, {TEST} test)" in done.out
