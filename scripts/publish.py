"""Publish the weights of a run: write them and their record to zoo/weights/.

    python scripts/reproduce.py slp --out runs/published      # the committed recipe
    python scripts/publish.py slp runs/published/slp-mnist/1

The weights are those of the checkpoint that the run reported on. `zoo test --model slp --weights mnist` must then print
the record's metrics again; scripts/verify_weights.py sees to it for all.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path

from safetensors.torch import save_file

from zoo.checkpoints.reading import build_network, check_network_name, data_arguments, read_checkpoint
from zoo.errors import ZooError
from zoo.registry import data_row
from zoo.weights import WeightsRecord

IN_THE_WEIGHTS_FILE = ("tokenizer",)
"""Parts of a transform that are too long for a readable record."""


def publish(model: str, run: Path, weights: str | None = None) -> WeightsRecord:
    """Write the weights of a run and their record, and return the record.

    Args:
        model: Name of the network that the run must have trained.
        run: The run folder.
        weights: Name to publish them by; by default that of the data.

    Raises:
        ZooError: The run did not end, or trained another network, or one that cannot be fed without its data.
    """
    try:
        results = json.loads((run / "results.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise ZooError(f"{run} has no results.json: it is no run folder, or the run has not ended") from None
    if not results["checkpoint"]:
        raise ZooError(f"{run} kept no checkpoint")
    path = run / "checkpoints" / Path(results["checkpoint"]).name
    checkpoint = read_checkpoint(path)
    check_network_name(checkpoint, path, model)
    data = checkpoint["zoo"]["data"]
    transform = checkpoint["zoo"]["transform"]
    if not data or not transform:
        raise ZooError(f"{path} does not tell its data, or how inputs are made")
    record = WeightsRecord(
        model=model,
        weights=weights or data,
        arguments=checkpoint["hyper_parameters"],
        data=data,
        data_arguments=data_arguments(checkpoint),
        sizes=results["sizes"],
        metrics={split: values for split, values in results["metrics"].items() if values},
        epochs=checkpoint["epoch"] + 1,
        steps=checkpoint["global_step"],
        seed=results["seed"],
        command=results["command"],
        versions=results["versions"],
        preprocessing={key: value for key, value in transform.items() if key not in IN_THE_WEIGHTS_FILE},
        classes=checkpoint["zoo"]["classes"],
        license=data_row(data).license,
        sha256="",
    )
    texts = {key: transform[key] for key in IN_THE_WEIGHTS_FILE if key in transform}
    tensors = {name: value.contiguous() for name, value in build_network(checkpoint, path).state_dict().items()}
    save_file(tensors, record.file, {"format": "pt", **texts})
    record = WeightsRecord(**{**vars(record), "sha256": hashlib.sha256(record.file.read_bytes()).hexdigest()})
    record.write()
    return record


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("run", type=Path, metavar="RUN")
    parser.add_argument("--name", metavar="WEIGHTS")
    arguments = parser.parse_args()
    try:
        published = publish(arguments.model, arguments.run, arguments.name)
    except ZooError as error:
        sys.exit(f"publish: error: {error}")
    print(f"{published.file}  {published.file.stat().st_size:,} bytes  {published.metrics['test']}")
