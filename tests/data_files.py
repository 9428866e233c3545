"""Data sets in their real formats, with few examples."""

from __future__ import annotations

import gzip
import pickle
from pathlib import Path

import numpy as np
from PIL import Image

import zoo
from zoo.datamodules.celeba import ATTRIBUTES


def write_cifar(root: Path, size: int = 20) -> Path:
    folder = root / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    names = [(f"data_batch_{k}", f"training batch {k} of 5") for k in range(1, 6)] + [
        ("test_batch", "testing batch 1 of 1")
    ]
    for number, (name, label) in enumerate(names):
        images = np.random.default_rng(number).integers(0, 256, (size, 3072), np.uint8)
        labels = [i % 10 for i in range(size)]
        content = {b"batch_label": label.encode(), b"labels": labels, b"data": images, b"filenames": [b"x.png"] * size}
        (folder / name).write_bytes(pickle.dumps(content, protocol=2))
    return folder


GOOD, BAD = "a wonderful film , truly great", "a terrible film , truly bad"


def write_imdb(root: Path, size: int = 20) -> Path:
    for part in ("train", "test"):
        for folder, text in (("neg", BAD), ("pos", GOOD)):
            target = root / "aclImdb" / part / folder
            target.mkdir(parents=True)
            for number in range(size):
                words = "very " * number + text if part == "train" else text + " onlyintest"
                (target / f"{number}_5.txt").write_text(words, encoding="utf-8")
    return root / "aclImdb"


def imdb(root: Path, **arguments: int | str) -> zoo.datamodules.IMDB:
    settings: dict[str, int | str] = {"val_size": 8, "batch_size": 4, "min_frequency": 1, "vocab_size": 50, **arguments}
    data = zoo.create_datamodule("imdb", root=str(root), **settings)
    data.prepare_data()
    data.setup()
    return data


def write_celeba(root: Path, size: int = 30) -> Path:
    folder = root / "celeba"
    (folder / "img_align_celeba").mkdir(parents=True)
    random = np.random.default_rng(0)
    lines, parts = [str(size), " ".join(ATTRIBUTES.split())], []
    for number in range(1, size + 1):
        name = f"{number:06d}.jpg"
        Image.fromarray(random.integers(0, 256, (218, 178, 3), np.uint8)).save(folder / "img_align_celeba" / name)
        lines.append(f"{name}  " + " ".join(random.choice(["1", "-1"], 40)))
        parts.append(f"{name} {0 if number <= 16 else 1 if number <= 23 else 2}")
    (folder / "list_attr_celeba.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "list_eval_partition.txt").write_text("\n".join(parts) + "\n", encoding="utf-8")
    return folder


def write_folder(root: Path, sizes: dict[str, int] | None = None) -> Path:
    """Write pictures of several sizes and kinds into class folders: cats are light, dogs dark."""
    random = np.random.default_rng(0)
    for name, size in (sizes or {"cat": 12, "dog": 12}).items():
        (root / name).mkdir(parents=True)
        for number in range(size):
            light = 150 if name == "cat" else 0
            pixels = random.integers(light, light + 100, (20 + number, 24, 3), np.uint8)
            picture = Image.fromarray(pixels).convert("L" if number % 3 == 0 else "RGB")
            picture.save(root / name / f"{number:02}.{'jpg' if number % 2 else 'png'}")
    return root


COLORS = ("red", "green", "blue")


def write_csv(root: Path, rows: int = 60) -> dict[str, str]:
    """Write a table of leaves with numbers and a text, and return the arguments of its data module."""
    random = np.random.default_rng(0)
    lines = ["width,height,color,kind,price,group"]
    for number in range(rows):
        kind = number % 3
        width, height = random.normal(kind * 2), random.normal(5 - kind)
        color, price = COLORS[(number + number // 7) % 3], 100 + 3 * width - 2 * height
        lines.append(f"{width:.4f},{height:.4f},{color},{'abc'[kind]},{price:.3f},g{number // 4}")
    path = root / "leaves.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return {"path": str(path), "target": "kind", "drop": "price,group"}


def write_texts(root: Path, size: int = 30) -> dict[str, str]:
    """Write a table of reviews, and return the arguments of its data module."""
    rows = [
        f'{number},"{"very " * (number // 2)}{(GOOD, BAD)[number % 2]}, I say",{("good", "bad")[number % 2]}'
        for number in range(size)
    ]
    path = root / "reviews.csv"
    path.write_text("\n".join(["id,review,label", *rows]) + "\n", encoding="utf-8")
    return {"path": str(path), "text": "review", "target": "label"}


SMALL = {"val_size": 51, "batch_size": 16}


def mnist(folder: Path) -> zoo.datamodules.MNIST:
    data = zoo.create_datamodule("mnist", root=str(folder.parents[1]), **SMALL)
    assert isinstance(data, zoo.datamodules.MNIST)
    return data


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def pack(folder: Path) -> None:
    for path in list(folder.iterdir()):
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
