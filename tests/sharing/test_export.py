"""Networks in the formats of other programs."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from conftest import Command
from lightning.pytorch import Trainer
from stand_ins import stand_in

import zoo
from zoo.factory import model_class
from zoo.internals.torch import exports_loops
from zoo.tasks.example_inputs import random_inputs


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A checkpoint of a network, by its name and arguments."""

    @functools.cache
    def make(name: str, **arguments: object) -> Path:
        torch.manual_seed(0)
        model = zoo.create_model(name, **arguments)
        trainer = Trainer(fast_dev_run=True, logger=False, accelerator="cpu", enable_progress_bar=False)
        trainer.fit(model, stand_in(model))
        path = tmp_path_factory.mktemp(name) / f"{name}.ckpt"
        trainer.save_checkpoint(path)
        return path

    return make


@pytest.mark.parametrize("kind", ["onnx", "pt2", "safetensors"])
@pytest.mark.parametrize("name", zoo.list_models())
def test_every_network_is_exported_and_gives_the_same(
    name: str, kind: str, zoo_command: Command, checkpoint: Callable[..., Path], tmp_path: Path
) -> None:
    ckpt, out = checkpoint(name), tmp_path / f"model.{kind}"
    done = zoo_command("export", "--ckpt", ckpt, "--format", kind, "--out", out)
    if model_class(name).takes == "text" and kind != "safetensors" and not exports_loops():
        assert (done.code, done.err.count("\n"), out.exists()) == (2, 1, False)
        assert "needs torch 2.11" in done.err
        return
    assert done.code == 0, done.err
    assert "largest difference from PyTorch: " in done.out
    assert float(done.out.split("PyTorch: ")[1].split()[0]) <= 1e-4
    model = zoo.load_model(ckpt)
    x = random_inputs(model, 5)
    match kind:
        case "onnx":
            import onnxruntime

            session = onnxruntime.InferenceSession(out)
            (output,) = session.run(None, {"input": x.numpy()})
            story = json.loads(session.get_modelmeta().custom_metadata_map["zoo"])
            found = torch.from_numpy(output)
        case "pt2":
            files = {"zoo.json": ""}
            found = torch.export.load(out, extra_files=files).module()(x)
            story = json.loads(files["zoo.json"])
        case "safetensors":
            from safetensors import safe_open

            with safe_open(out, "pt") as file:
                story = json.loads(file.metadata()["zoo"])
                again = zoo.create_model(story["model"], **story["arguments"]).eval()
                again.load_state_dict({key: file.get_tensor(key) for key in file.keys()})  # noqa: SIM118
            found = again(x)
    assert torch.allclose(found, model(x), atol=1e-5)
    assert (story["model"], story["output"]) == (name, model.output)
    assert story["transform"]["name"] == type(model.transform).__name__


@pytest.mark.skipif(not exports_loops(), reason="needs torch 2.11")
@pytest.mark.parametrize("kind", ["onnx", "pt2"])
@pytest.mark.parametrize("layers", [1, 2])
def test_texts_of_any_length_are_taken(
    layers: int, kind: str, zoo_command: Command, checkpoint: Callable[..., Path]
) -> None:
    import onnxruntime

    ckpt = checkpoint("bilstm_sentiment", num_layers=layers)
    assert zoo_command("export", "--ckpt", ckpt, "--format", kind, "--out", f"m.{kind}").code == 0
    x = torch.randint(1, 100, (3, 61))
    x[0, 5:] = 0
    x[1, 1:] = 0
    if kind == "onnx":
        found = torch.from_numpy(onnxruntime.InferenceSession("m.onnx").run(None, {"input": x.numpy()})[0])
    else:
        found = torch.export.load("m.pt2").module()(x)
    assert torch.allclose(found, zoo.load_model(ckpt)(x), atol=1e-5)


def test_what_differs_is_not_written(
    zoo_command: Command, checkpoint: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    ckpt = checkpoint("slp")
    monkeypatch.setattr("zoo.commands.export.LARGEST_DIFFERENCE", -1.0)
    done = zoo_command("export", "--ckpt", ckpt, "--format", "safetensors", "--out", "m.safetensors")
    assert done.code == 2
    assert "nothing was written" in done.err
    assert not list(Path().glob("*m.safetensors*"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--out", "a"], "give a format with --format onnx or pt2 or safetensors"),
        (["--format", "onx", "--out", "a"], "did you mean 'onnx'?"),
        (["--format", "onnx"], "give the file to write with --out FILE"),
        (["--format", "pt2", "--out", "no/such/folder/a"], "cannot be written"),
        (["--format", "safetensors", "--out", "no/such/folder/a"], "cannot be written"),
        (["--format", "pt2", "--out", "a", "--verbose"], "unknown option --verbose"),
    ],
)
def test_bad_requests_are_one_line(
    words: list[str], message: str, zoo_command: Command, checkpoint: Callable[..., Path]
) -> None:
    done = zoo_command("export", "--ckpt", checkpoint("slp"), *words)
    assert done.code == 2
    assert message in done.err
    assert done.err.count("\n") == 1
