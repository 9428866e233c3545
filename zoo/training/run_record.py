"""``run.json``: what a run knows of itself in addition to its options."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from zoo.checkpoints.validators import FaultError, check_values, dict_of, number, parts, text, whole
from zoo.errors import ZooError
from zoo.support.files import atomic_write, read_bytes
from zoo.training.config_file import config_text

NAME = "run.json"
VERSION = 1
"""Of the format."""

MAX_BYTES = 1_000_000

_check = parts(
    {"format": whole(1, 2**53), "command": text, "job": text, "versions": dict_of(text, text)},
    {"seconds": number, "weights": dict_of(text, text)},
)


@dataclass(frozen=True)
class RunRecord:
    """The origin of a run.

    Attributes:
        command: The command that started it, or that made it longer.
        job: Name of the SLURM or torchrun job that it belongs to; ``""`` outside of jobs.
        versions: Versions of the packages that it ran with, and the processor.
        seconds: Time spent in training, known once it has ended.
        weights: The weights that it started from: their ``name`` or ``file``, and ``sha256``; empty if it did not.
    """

    command: str
    job: str
    versions: dict[str, str]
    seconds: float | None = None
    weights: Mapping[str, str] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Write the record into a run folder."""
        content = {"format": VERSION, **asdict(self)}
        with atomic_write(folder / NAME) as temporary:
            temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> RunRecord | None:
        """Read the record of a run folder; None if there is none, or if it is damaged.

        Raises:
            ZooError: A newer release wrote it.
        """
        try:
            content = json.loads(read_bytes(folder / NAME, MAX_BYTES))
            check_values(content, NAME)
            _check(content, NAME)
        except FileNotFoundError:
            return cls._read_comments(folder)
        except (OSError, ValueError, RecursionError, FaultError):
            return None
        if content["format"] > VERSION:
            raise ZooError(
                f"{folder / NAME} was written by a newer release of the zoo; update the zoo to resume the run"
            )
        weights = content.get("weights") or {}
        return cls(content["command"], content["job"], content["versions"], content.get("seconds"), weights)

    @classmethod
    def _read_comments(cls, folder: Path) -> RunRecord | None:
        """Read the record of an older run, which kept it in comments at the top of ``config.yaml``."""
        try:
            lines = config_text(folder / "config.yaml").splitlines()
        except ZooError:
            return None
        head = [line.removeprefix("# ") for line in lines[:2] if line.startswith("# ")]
        return cls(head[0], "".join(head[1:]), {}) if head else None
