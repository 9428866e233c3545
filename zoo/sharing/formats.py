"""Export formats. The outputs of an exported network are compared with PyTorch's."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.export import Dim, ExportedProgram

from zoo.errors import ZooError
from zoo.factory import build_model
from zoo.internals.torch import exports_loops, lstm_as_loop
from zoo.tasks import Task
from zoo.tasks.example_inputs import random_inputs

Run = Callable[[Tensor], Tensor]
"""Runs an exported network on a batch of inputs."""


def export(name: str, model: Task, file_format: str, path: Path) -> float:
    """Export a network to a file, and return the largest difference between its outputs and PyTorch's.

    Args:
        name: Name of the network in the registry.
        model: The network, on any device.
        file_format: One of ``FORMATS``.
        path: The file.

    Raises:
        ZooError: A package that the format requires is not installed, or too old.
    """
    if model.takes == "text" and file_format != "safetensors" and not exports_loops():
        raise ZooError(f"the export of networks of texts as {file_format} needs torch 2.11, found {torch.__version__}")
    model = _copy_on_cpu(name, model)
    # Torch warns about its own internals. The outputs are compared below.
    with warnings.catch_warnings(action="ignore"), lstm_as_loop():
        return _difference(model, FORMATS[file_format](name, model, path))


def _to_onnx(name: str, model: Task, path: Path) -> Run:
    try:
        import onnxruntime
        import onnxscript  # noqa: F401  # required by torch.onnx
    except ImportError as error:
        raise ZooError(f"ONNX export requires {error.name}: pip install 'lightning-zoo[export]'") from None
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it reports all its attempts
    traced = _traced(model)
    program = torch.onnx.export(traced, input_names=["input"], output_names=["output"], verbose=False)
    assert program is not None
    program.model.metadata_props["zoo"] = _metadata(name, model)
    program.save(path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda x: torch.from_numpy(session.run(None, {"input": x.numpy()})[0])


def _to_pt2(name: str, model: Task, path: Path) -> Run:
    with path.open("wb") as file:  # given a path, it would require a suffix
        torch.export.save(_traced(model), file, extra_files={"zoo.json": _metadata(name, model)})
    with path.open("rb") as file:
        module = torch.export.load(file).module()
    return lambda x: module(x)


def _to_safetensors(name: str, model: Task, path: Path) -> Run:
    from safetensors.torch import load_file, save

    tensors = {name: value.contiguous() for name, value in model.state_dict().items()}
    path.write_bytes(save(tensors, {"format": "pt", "zoo": _metadata(name, model)}))
    again = _copy_on_cpu(name, model)
    again.load_state_dict(load_file(path))
    return again


FORMATS: dict[str, Callable[[str, Task, Path], Run]] = {
    "onnx": _to_onnx,
    "pt2": _to_pt2,
    "safetensors": _to_safetensors,
}


def _copy_on_cpu(name: str, model: Task) -> Task:
    """Return a copy of a network on the CPU, in evaluation mode, from where the file can be read on any machine."""
    copied = build_model(name, **model.hparams)
    copied.load_state_dict(model.state_dict())
    copied.transform, copied.classes = model.transform, model.classes
    return copied.eval()


def _traced(model: Task) -> ExportedProgram:
    """Return the network's graph with a dynamic batch size, and a dynamic length of texts."""
    free = {0: Dim.DYNAMIC, 1: Dim.DYNAMIC} if model.takes == "text" else {0: Dim.DYNAMIC}
    return torch.export.export(model, (random_inputs(model, 2),), dynamic_shapes=(free,))


def _metadata(name: str, model: Task) -> str:
    """Return the metadata of an exported file, as JSON."""
    return json.dumps(
        {
            "model": name,
            "arguments": dict(model.hparams),
            "output": model.output,
            "classes": model.classes,
            "transform": model.transform.spec() if model.transform else None,
        }
    )


def _difference(model: Task, run: Run) -> float:
    """Return the largest difference of outputs, for several batch sizes and text lengths."""
    lengths = (8, 5, 61) if model.takes == "text" else (None, None, None)
    batches = [random_inputs(model, size, length) for size, length in zip((1, 2, 7), lengths, strict=True)]
    with torch.inference_mode():
        return max(float((run(x) - model(x)).abs().max()) for x in batches)
