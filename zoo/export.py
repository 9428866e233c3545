"""``zoo export``: a network in a format that other programs run, seen to give what PyTorch gives."""

from __future__ import annotations

import contextlib
import json
import logging
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor
from torch.export import Dim, ExportedProgram
from torch.export._patches import register_lstm_while_loop_decomposition

from zoo.creating import create_model
from zoo.errors import ZooError, suggestion
from zoo.files import as_path, written_whole
from zoo.inputs import random_inputs
from zoo.request import Request
from zoo.tasks import Task
from zoo.text import say
from zoo.trained import Trained, trained

LARGEST_DIFFERENCE = 1e-4

Run = Callable[[Tensor], Tensor]


def export(request: Request) -> int:
    """Export a network and return the exit code.

    Raises:
        ZooError: Something is missing or unknown, or what was exported does not give what PyTorch gives; then nothing
            is written.
    """
    if request.options:
        raise ZooError(f"unknown option {request.options[0][:80]}; zoo export --help shows what there is")
    if not request.format or request.format not in FORMATS:
        hint = suggestion(request.format or "", FORMATS)
        raise ZooError(f"which format? Give --format {' or '.join(FORMATS)}{hint}")
    if not request.out:
        raise ZooError("where to? Give --out FILE")
    out = as_path(request.out, "--out")
    if out.is_dir():
        raise ZooError(f"{out} is a folder; give the name of a file in it")
    network = trained(request)
    try:
        # torch's own warnings of what it found on its way; whether all is well is measured below
        with warnings.catch_warnings(action="ignore"), _lstm_in_a_loop(), written_whole(out) as temporary:
            run = FORMATS[request.format](network, temporary)
            difference = _difference(network.model, run)
            say(f"largest difference from PyTorch: {difference:.1e}")
            if not difference <= LARGEST_DIFFERENCE:
                raise ZooError(f"that is more than {LARGEST_DIFFERENCE:.0e}: nothing was written")
    except OSError as error:
        raise ZooError(f"{out} cannot be written ({error.strerror or error})") from None
    say(f"{network.source} is in {out}, {out.stat().st_size:,} bytes; its outputs are {network.model.output}")
    return 0


def _to_onnx(network: Trained, path: Path) -> Run:
    try:
        import onnxruntime
        import onnxscript  # noqa: F401  # which torch.onnx needs
    except ImportError as error:
        raise ZooError(f"ONNX needs {error.name}: pip install 'lightning-zoo[export]'") from None
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # its notices of what it tried
    traced = _traced(network.model)
    program = torch.onnx.export(traced, input_names=["input"], output_names=["output"], verbose=False)
    assert program is not None
    program.model.metadata_props["zoo"] = _story(network)
    program.save(path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda x: torch.from_numpy(session.run(None, {"input": x.numpy()})[0])


def _to_pt2(network: Trained, path: Path) -> Run:
    logging.getLogger("torch._export").setLevel(logging.ERROR)  # of symbols that a loop leaves unused
    with path.open("wb") as file:  # by its name alone it would insist on an ending
        torch.export.save(_traced(network.model), file, extra_files={"zoo.json": _story(network)})
    with path.open("rb") as file:
        module = torch.export.load(file).module()
    return lambda x: module(x)


def _to_safetensors(network: Trained, path: Path) -> Run:
    from safetensors.torch import load_file, save

    tensors = {name: value.contiguous() for name, value in network.model.state_dict().items()}
    path.write_bytes(save(tensors, {"format": "pt", "zoo": _story(network)}))
    again = create_model(network.name, **network.model.hparams)
    again.load_state_dict(load_file(path))
    return again.eval()


FORMATS: dict[str, Callable[[Trained, Path], Run]] = {
    "onnx": _to_onnx,
    "pt2": _to_pt2,
    "safetensors": _to_safetensors,
}


def _traced(model: Task) -> ExportedProgram:
    """Return the network's graph, in which the size of the batch stays free, and the length of texts."""
    free = {0: Dim.DYNAMIC, 1: Dim.DYNAMIC} if model.takes == "text" else {0: Dim.DYNAMIC}
    return torch.export.export(model, (random_inputs(model, 2),), dynamic_shapes=(free,))


@contextlib.contextmanager
def _lstm_in_a_loop() -> Iterator[None]:
    """Keep torch from unrolling an LSTM, for texts of one length."""
    torch.ops.aten.lstm.input._dispatch_cache.clear()  # where it remembers that it did, earlier in this process
    with register_lstm_while_loop_decomposition():
        yield


def _story(network: Trained) -> str:
    """What a program must know to use the file, as JSON."""
    model = network.model
    return json.dumps(
        {
            "model": network.name,
            "arguments": dict(model.hparams),
            "output": model.output,
            "classes": model.classes,
            "transform": model.transform.spec() if model.transform else None,
        }
    )


def _difference(model: Task, run: Run) -> float:
    """Return the largest difference of outputs, for batches of several sizes, and texts of several lengths."""
    lengths = (8, 5, 61) if model.takes == "text" else (None, None, None)
    batches = [random_inputs(model, size, length) for size, length in zip((1, 2, 7), lengths, strict=True)]
    with torch.inference_mode():
        return max(float((run(x) - model(x)).abs().max()) for x in batches)
