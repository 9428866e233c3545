"""Train the simple models that reports compare with, on the documented splits, and write what they reach.

    python scripts/baselines.py

Writes zoo/reports/baselines.json, which comes with the package, and prints one table. The regressions learn from the
whole training split; those of other data, which are trained when they are needed, from a part of it if it is large.
Data sets that are not under ZOO_DATA or data/ keep what the file has of them. Takes some minutes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import zoo
from zoo.commands.parser import section
from zoo.commands.parser_defaults import STAND_IN, fit_parser_with_defaults
from zoo.commands.request import Request
from zoo.datamodules.common import DataModule, DataUnavailableError
from zoo.factory import model_class
from zoo.registry import model_row
from zoo.reports.baselines import compute, fingerprint

FILE = Path(__file__).parents[1] / "zoo" / "reports" / "baselines.json"


def documented(model: str, name: str) -> DataModule:
    """Return the data that a network is trained on without any option."""
    parser = fit_parser_with_defaults(Request("fit", "zoo fit", model, name))
    return zoo.create_datamodule(name, **section(parser.get_defaults(), "data"))


def main() -> int:
    """Write the file, print the table and return the exit code."""
    rows: dict[str, dict[str, Any]] = {}
    for model in zoo.list_models():
        stand_in = [STAND_IN] if model_class(model).takes == "image" else []
        for name in dict.fromkeys([model_row(model).data, *stand_in]):
            data = documented(model, name)
            try:
                data.prepare_data()
            except DataUnavailableError as error:
                print(f"{name} is left out: {error}", file=sys.stderr)
                continue
            data.setup()
            if (key := fingerprint(data)) not in rows:
                rows[key] = {"data": name, "fingerprint": key, "baselines": compute(data, whole=True)}
    measured = {row["data"] for row in rows.values()}
    kept = [row for row in json.loads(FILE.read_text(encoding="utf-8")) if row["data"] not in measured]
    FILE.write_text(json.dumps([*rows.values(), *kept], indent=2) + "\n", encoding="utf-8")
    print("| data | model | metrics of the test set |\n|---|---|---|")
    for row in rows.values():
        for baseline, metrics in row["baselines"].items():
            print(f"| {row['data']} | {baseline} | {', '.join(f'{k} {v:.4f}' for k, v in metrics.items())} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
