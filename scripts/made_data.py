"""Small data sets in the files of their publishers, for scripts that need pictures or texts and have no network."""

from __future__ import annotations

import random
from pathlib import Path


def write_faces(root: Path) -> None:
    """Write a small CelebA: digits, whose attributes are their pixels."""
    from PIL import Image

    import zoo

    digits = zoo.create_datamodule("digits", image_size=40, channels=3, val_size=0)
    digits.setup()
    x, _ = digits.splits["train"].tensors  # type: ignore[attr-defined]
    folder = root / "celeba"
    (folder / "img_align_celeba").mkdir(parents=True)
    names = [f"{index:06}.jpg" for index in range(300)]
    for name, image in zip(names, x, strict=False):
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(folder / "img_align_celeba" / name)
    rows = [" ".join("1" if p > 100 else "-1" for p in image[0, 10:30, 10:30].flatten()[::10]) for image in x[:300]]
    classes = zoo.datamodules.CelebA.classes
    lines = [f"{name} {row}" for name, row in zip(names, rows, strict=True)]
    (folder / "list_attr_celeba.txt").write_text("\n".join(["300", " ".join(classes), *lines]) + "\n", encoding="utf-8")
    parts = [f"{name} {0 if index < 220 else 1 if index < 260 else 2}" for index, name in enumerate(names)]
    (folder / "list_eval_partition.txt").write_text("\n".join(parts) + "\n", encoding="utf-8")


def write_reviews(root: Path) -> None:
    """Write 240 reviews to train on and 80 to test on, as IMDB's archive has them: random words."""
    chance = random.Random(0)
    for part, size in (("train", 120), ("test", 40)):
        for name, words in (("neg", ("bad", "dull", "poor")), ("pos", ("good", "fine", "great"))):
            folder = root / "aclImdb" / part / name
            folder.mkdir(parents=True)
            for number in range(size):
                text = chance.choices([*words, *"abcdefghij"], k=chance.randint(5, 40))
                (folder / f"{number}_5.txt").write_text(" ".join(text), encoding="utf-8")
