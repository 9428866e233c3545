"""Write docs/runs/ and docs/samples/: what the site shows of real runs and real data.

    python scripts/published_runs.py                     train all networks again, half an hour on one core
    python scripts/published_runs.py slp mlp             these
    python scripts/published_runs.py --out runs/kept     use the runs that are in this folder, train the others
    python scripts/published_runs.py --samples           examples of the data sets instead

Each network is trained by the command of its weights' record, with its seed. docs/runs/NETWORK.csv is the run's
metrics.csv (of long ones, the epochs with validation), docs/runs/NETWORK.json what its published weights do on the test
set. Needs the real data sets under ZOO_DATA or data/; celeba's license does not allow to show its pictures.
"""

import argparse
import base64
import contextlib
import csv
import io
import json
import math
import shlex
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

import zoo
from zoo.commands.cli import main as zoo_main
from zoo.datamodules.common import DataModule
from zoo.errors import ZooError
from zoo.registry import DATAMODULES
from zoo.reports.mistakes import mistakes
from zoo.reports.predictions import Predictions
from zoo.support.tables import shorten
from zoo.transforms import Text

DOCS = Path(__file__).parents[1] / "docs"
SHOWN = 12
"""Mistakes of a network, and examples of a data set."""
MOST_ROWS = 100
"""Rows of a metrics.csv that is shown whole."""
YOURS = ("arrays", "dataset", "folder", "csv", "text", "celeba")
"""Data sets of which there is nothing to show."""


def train(record: zoo.WeightsRecord, out: Path) -> Path:
    """Repeat the run of published weights, unless it is there, and return its folder."""
    folder = out / f"{record.model}-{record.data}" / "1"
    if not (folder / "results.json").exists():
        words = shlex.split(record.command)[1:]
        words[words.index("--out") + 1] = str(out)
        with contextlib.redirect_stdout(io.StringIO()):
            if zoo_main([*words, "--trainer.enable_progress_bar", "false"]):
                raise ZooError(f"{record.command} failed")
    return folder


def thinned(metrics: Path) -> list[list[str]]:
    """Return the rows of a metrics.csv; if they are many, those with validation."""
    with metrics.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    if len(rows) > MOST_ROWS:
        column = header.index("val/loss")
        rows = [row for row in rows if row[column]]
    return [header, *([f"{float(cell):.6g}" if cell else "" for cell in row] for row in rows)]


def predictions(model: zoo.models.SLP, data: DataModule) -> Predictions:
    """Return what a network says of the whole test set."""
    with torch.inference_mode():
        batches = [(model.predicted(model(x)), y) for x, y in data.test_dataloader()]
    values, targets = (torch.cat(parts) for parts in zip(*batches, strict=True))
    found = Predictions.of("class" if targets.dim() == 1 else "value", torch.arange(len(values)), values, targets)
    assert found
    return found


def png(image: Tensor) -> str:
    """Encode a picture ``(channels, rows, columns)`` of bytes as PNG, as base64."""
    pixels = image.permute(1, 2, 0).numpy()
    buffer = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(buffer, "PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode()


def shown(data: DataModule, split: str, index: int) -> dict[str, str]:
    """Return an example as a picture or as a text."""
    x = data.splits[split].batch([index])[0][0]
    if data.kind == "image":
        return {"picture": png(x)}
    if data.kind == "text":
        transform = data.transform
        assert isinstance(transform, Text)
        return {"text": shorten(transform.as_text(data.scale(x[None])[0]), 240)}
    return {"row": ", ".join(f"{value:.4g}" for value in x.tolist())}


def microseconds(model: zoo.models.SLP) -> float:
    """Return the time that a network takes for one input alone, the median of many."""
    x, times = model.example_input_array, []
    if x.dtype == torch.int64:
        x = x[:, :1].expand(-1, 100)  # a text of 100 words
    end = time.perf_counter() + 1
    with torch.inference_mode():
        while time.perf_counter() < end:
            begin = time.perf_counter()
            model(x)
            times.append(time.perf_counter() - begin)
    return round(statistics.median(times) * 1e6, 1)


def describe(record: zoo.WeightsRecord, folder: Path) -> dict[str, Any]:
    """Return what is shown of published weights beside their record."""
    model = zoo.create_model(record.model, weights=record.weights)
    data = zoo.create_datamodule(record.data, seed=record.seed, **record.data_arguments)
    data.prepare_data()
    data.setup("test")
    found = predictions(model, data)
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    about: dict[str, Any] = {
        "weights": record.weights,
        "test": {name: results["metrics"]["test"][name] for name in record.metrics["test"]},
        "versions": results["versions"],
        "microseconds": microseconds(model),
    }
    if found.targets.dim() == 1:
        classes = len(record.classes)
        cells = found.targets * classes + found.values.argmax(1)
        about["confusion"] = torch.bincount(cells, minlength=classes**2).reshape(classes, classes).tolist()
        about["mistakes"] = [
            {
                "true": one.true,
                "predicted": one.predicted,
                "probability": round(one.probability, 4),
                **shown(data, "test", one.index),
            }
            for one in mistakes(data, found, record.classes)[:SHOWN]
        ]
    else:
        pairs = zip(found.targets.flatten().tolist(), found.values.flatten().tolist(), strict=True)
        about["points"] = [[float(f"{true:.5g}"), float(f"{value:.5g}")] for true, value in pairs]
        about["rows"] = [shown(data, "test", index)["row"] for index in range(min(4, len(found.values)))]
    return about


def sample(name: str) -> dict[str, Any]:
    """Return the sizes, the balance of classes, and some examples of a data set."""
    data = zoo.create_datamodule(name)
    data.prepare_data()
    data.setup()
    train = data.splits["train"]
    about: dict[str, Any] = {"sizes": data.sizes, "classes": list(data.classes)}
    if data.target == "class":
        labels = train.labels()
        about["counts"] = torch.bincount(labels, minlength=len(data.classes)).tolist()
        each = math.ceil(SHOWN / len(data.classes)) if data.kind == "image" else 2
        places = [i for label in range(len(data.classes)) for i in (labels == label).nonzero()[:each, 0].tolist()]
        about["examples"] = [{"class": data.classes[int(labels[i])], **shown(data, "train", i)} for i in places]
    else:
        x, y = train.batch(list(range(min(4, len(train)))))
        rows = torch.cat([x, y.reshape(len(y), -1)], 1).tolist()
        about["rows"] = [[float(f"{value:.4g}") for value in row] for row in rows]
    return about


def write(path: Path, content: dict[str, Any]) -> None:
    """Write values as JSON, each in a line of its own."""
    lines = [f'  "{key}": {json.dumps(value, ensure_ascii=False)}' for key, value in content.items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def main(names: Sequence[str], out: Path) -> int:
    """Write docs/runs/ of these networks, and return the exit code: 1 if a run ended with other metrics."""
    differ = 0
    for name in names:
        for weights in zoo.list_weights(name):
            record = zoo.weights_record(name, weights)
            folder = train(record, out)
            with (DOCS / "runs" / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
                csv.writer(file, lineterminator="\n").writerows(thinned(folder / "metrics.csv"))
            about = describe(record, folder)
            write(DOCS / "runs" / f"{name}.json", about)
            equal = about["test"] == record.metrics["test"]
            differ += not equal
            print(f"{name} {weights}: {'equal' if equal else 'NOT equal'}", about["test"], flush=True)
    return int(differ > 0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", choices=[[], *zoo.list_models()], metavar="MODEL")
    parser.add_argument("--out", type=Path, default=Path("runs/published"), metavar="FOLDER")
    parser.add_argument("--samples", action="store_true")
    arguments = parser.parse_args()
    if arguments.samples:
        for name in [name for name in DATAMODULES if name not in YOURS]:
            write(DOCS / "samples" / f"{name}.json", sample(name))
        sys.exit(0)
    sys.exit(main(arguments.models or zoo.list_models(), arguments.out))
