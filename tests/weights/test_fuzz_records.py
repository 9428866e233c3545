"""Records of weights, with anything done to them: a result, or one line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from altered import VALUES, altered, doing, place
from fuzzing import quiet, seldom, timely
from hypothesis import given
from hypothesis import strategies as st

import zoo
import zoo.weights.records


@seldom
@given(
    where=place,
    what=doing,
    value=st.sampled_from(VALUES),
    command=st.sampled_from(["test", "predict", "export", "describe", "list"]),
)
def test_altered_records(
    where: list[int], what: str, value: Any, command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "weights"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for path in zoo.weights.records.FOLDER.glob("xor-xor.*"):
        shutil.copy(path, folder)
    path = folder / "xor-xor.json"
    path.write_text(
        json.dumps(altered(json.loads(path.read_text(encoding="utf-8")), where, what, value)), encoding="utf-8"
    )
    of = ["--model", "xor", "--weights", "xor"]
    words = {
        "test": ["test", *of, *quiet()],
        "predict": ["predict", *of, "0,1"],
        "export": ["export", *of, "--format", "safetensors", "--out", "m"],
        "describe": ["describe", "xor"],
        "list": ["list"],
    }[command]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zoo.weights.records, "FOLDER", folder)
        timely(words, capsys)
