"""Write ``digits.json``: the digits of MNIST's test set to start from, the first of each class and two hard ones.

python docs/draw/digits.py

Needs MNIST under ZOO_DATA or data/. Its license is CC BY-SA 3.0.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path

import zoo

HARD = (193, 313)
"""Indices of a 9 and a 3 about which the networks disagree."""

if __name__ == "__main__":
    data = zoo.create_datamodule("mnist", val_size=0)
    data.prepare_data()
    data.setup()
    x, y = data.splits["test"].tensors  # type: ignore[attr-defined]
    indices = [*((y == label).nonzero()[0].item() for label in range(10)), *HARD]
    digits = [
        {"label": y[index].item(), "index": index, "pixels": base64.b64encode(x[index].numpy().tobytes()).decode()}
        for index in indices
    ]
    rows = ",\n".join(map(json.dumps, digits))
    Path(__file__).with_suffix(".json").write_text(f"[\n{rows}\n]\n", encoding="utf-8")
