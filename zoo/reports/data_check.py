"""What is known of a data set before training: sizes, classes, duplicates, ranges, and what a network will see."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from zoo.datamodules.common import DataModule
from zoo.datamodules.common.examples import Batches
from zoo.kinds import Split
from zoo.reports.evaluation import splits_of
from zoo.reports.figures import plain, save_as_asked
from zoo.support.figure import Figure
from zoo.support.tables import format_number, format_table

CHUNK = 500
"""Examples that are read at a time."""
BAR = 24
"""Characters of the bar of the largest class."""
FEW = 10
"""Training examples below which a class is nearly empty."""
MOST_NAMED = 5
"""Pairs of equal examples that are named."""
GRID = (4, 8)


def describe_classes(data: DataModule) -> str:
    """Return the number of examples of each class in each split, with a bar of the training examples."""
    splits = splits_of(data)
    counts = {split: torch.bincount(data.splits[split].labels(), minlength=len(data.classes)) for split in splits}
    most = max(int(counts["train"].max()), 1)
    rows = []
    for index, name in enumerate(data.classes):
        train = int(counts["train"][index])
        bar = "█" * max(round(train / most * BAR), 1 if train else 0)
        rows.append([name, *(f"{int(counts[split][index]):,}" for split in splits), bar])
    return format_table(["class", *splits, ""], rows, align="<")


def describe_inputs(data: DataModule) -> str:
    """Return shape, type and range of the inputs of a training batch, as the network sees them."""
    x, _ = next(iter(data.train_dataloader()))
    shape = "×".join(map(str, x.shape[1:]))
    lines = [f"inputs   {shape}, {str(x.dtype).removeprefix('torch.')}, {_range(x)}"]
    if data.target == "value":
        lines.append(f"targets  {_range(data.splits['train'].labels())}")
    return "\n".join(lines)


def find_problems(data: DataModule) -> list[str]:
    """Return what may spoil a training, a line each: classes with few examples, and examples that are there twice."""
    problems = []
    if data.target == "class":
        counts = data.class_counts()
        few = [f"{name} ({count})" for name, count in zip(data.classes, counts, strict=True) if count < FEW]
        if few:
            problems.append(f"few examples to train on: {', '.join(few)}")
        share = max(counts) / max(sum(counts), 1)
        if share > min(2 / len(counts), 0.8):
            largest = data.classes[counts.index(max(counts))]
            problems.append(f"{share:.0%} of the training examples are {largest}: an accuracy below that means nothing")
    seen: dict[bytes, tuple[Split, int]] = {}
    twice: dict[tuple[Split, Split], list[tuple[int, int]]] = {}
    for split in splits_of(data):
        for index, digest in enumerate(_digests(data.splits[split], with_targets=data.kind != "image")):
            if digest in seen:
                first, at = seen[digest]
                twice.setdefault((first, split), []).append((at, index))
            else:
                seen[digest] = split, index
    for (first, split), pairs in twice.items():
        equal = "texts of equal known words" if data.kind == "text" else "equal examples"
        what = f"{equal} within {split}" if first == split else f"{equal} in {first} and {split}"
        names = [" = ".join((_name(data, first, one), _name(data, split, other))) for one, other in pairs[:MOST_NAMED]]
        more = f", and {len(pairs) - MOST_NAMED:,} more" if len(pairs) > MOST_NAMED else ""
        problems.append(f"{len(pairs):,} {what}: {', '.join(names)}{more}")
    return problems


def contact_sheet(data: DataModule, path: Path) -> None:
    """Draw the pictures of a training batch as a network will see them, augmented if they are, into a PNG file."""
    rows, columns = GRID
    x, y = next(iter(data.train_dataloader()))
    figure = Figure(figsize=(1.25 * columns, 1.4 * rows), layout="constrained")
    for axes, image, target in zip(figure.subplots(rows, columns).flat, x, y, strict=False):
        low = float(x.min())
        shown = ((image - low) / max(float(x.max()) - low, 1e-9)).permute(1, 2, 0).numpy()
        axes.imshow(shown if shown.shape[2] == 3 else shown[:, :, 0], cmap="gray", vmin=0, vmax=1)
        axes.set_title(_title(data, target), fontsize=8)
    for axes in figure.axes:
        axes.axis("off")
    save_as_asked(figure, path)


def _title(data: DataModule, target: Tensor) -> str:
    """Return the class of a target, or those that are mixed in it with their percentages."""
    if target.dim() == 0:
        return plain(data.classes[int(target)])
    if data.target != "class":
        return ""
    shares = [(share, index) for index, share in enumerate(target.tolist()) if share >= 0.005]
    return "\n".join(f"{plain(data.classes[index])} {share:.0%}" for share, index in sorted(shares, reverse=True))


def _range(values: Tensor) -> str:
    numbers = values.double()
    figures = (numbers.min(), numbers.max(), numbers.mean(), numbers.std(correction=0))
    least, most, mean, deviation = (format_number(float(figure)) for figure in figures)
    return f"{least} to {most}, mean {mean}, standard deviation {deviation}"


def _batches(examples: Batches) -> Iterator[tuple[Tensor, Tensor]]:
    for indices in torch.arange(len(examples)).split(CHUNK):
        yield examples.batch(indices.tolist())


def _digests(examples: Batches, with_targets: bool) -> Iterator[bytes]:
    """Yield a digest of each example: of a picture alone, whatever its class, or of a row or text with its target."""
    for x, y in _batches(examples):
        for one, target in zip(x, y, strict=True):
            digest = hashlib.blake2b(one.numpy().tobytes().rstrip(b"\0"), digest_size=16)  # texts are padded
            if with_targets:
                digest.update(target.numpy().tobytes())
            yield digest.digest()


def _name(data: DataModule, split: Split, index: int) -> str:
    names = data.splits[split].names
    return names[index] if names else f"{split} {index}"
