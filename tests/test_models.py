"""What holds for every network of the registry."""

from __future__ import annotations

import copy
import inspect
import pickle
from pathlib import Path

import pytest
import torch
from documents import DOCUMENTED
from lightning.pytorch import Trainer
from torch import Tensor

import zoo
from zoo.registry import model_class, model_row

pytestmark = pytest.mark.parametrize("name", zoo.list_models())


def example(model: zoo.tasks.Task, size: int = 8) -> tuple[Tensor, Tensor]:
    """Random inputs of the documented shape, and targets that fit."""
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(size, *model.example_input_array.shape[1:], generator=generator)
    return x, torch.arange(size) % model.hparams["num_classes"]


def test_forward_has_the_documented_shape_and_no_nan(name: str) -> None:
    model = zoo.create_model(name).eval()
    x, _ = example(model)
    output = model(x)
    assert output.shape == (8, model.hparams["num_classes"])
    assert output.isfinite().all()
    assert torch.allclose(output[:1], model(x[:1]), atol=1e-6)  # examples do not see each other


def test_every_parameter_gets_a_gradient(name: str) -> None:
    model = zoo.create_model(name)
    model.training_step(example(model), 0).backward()
    for parameter_name, parameter in model.named_parameters():
        assert parameter.grad is not None, parameter_name
        assert parameter.grad.isfinite().all(), parameter_name
        assert parameter.grad.abs().sum() > 0, parameter_name


def test_the_loss_falls_on_eight_examples(name: str) -> None:
    torch.manual_seed(0)
    model = zoo.create_model(name)
    optimizer = model.configure_optimizers()
    batch = example(model)
    losses = []
    for _ in range(50):
        loss = model.training_step(batch, 0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.9 * losses[0]


def test_documented_training_is_the_default(name: str) -> None:
    row = model_row(name)
    assert row.data in zoo.list_datamodules()
    assert row.batch_size > 0
    assert row.max_epochs > 0


def test_the_card_tells_what_a_user_must_know(name: str) -> None:
    card = inspect.getdoc(model_class(name)) or ""
    for heading in ("Source:", "Input:", "Output:", "Differs from the document:", "Args:"):
        assert heading in card
    for argument in inspect.signature(model_class(name)).parameters:
        assert f"{argument}:" in card


def test_hyperparameters_rebuild_the_network(name: str) -> None:
    model = zoo.create_model(name)
    again = zoo.create_model(name, **model.hparams)
    again.load_state_dict(model.state_dict())
    x, _ = example(model)
    assert torch.equal(model.eval()(x), again.eval()(x))


def test_state_dict_holds_only_the_layers(name: str) -> None:
    model = zoo.create_model(name)
    assert set(model.state_dict()) == {key for key, _ in model.named_parameters()} | {
        k for k, _ in model.named_buffers()
    }
    assert not [key for key in model.state_dict() if key.startswith("measures")]


def test_the_documents_own_weights_load_and_give_the_same_output(name: str) -> None:
    torch.manual_seed(1)
    documented, model = DOCUMENTED[name]().eval(), zoo.create_model(name).eval()
    model.load_state_dict(documented.state_dict(), strict=True)
    x, _ = example(model)
    assert torch.equal(model(x), documented(x))


def test_checkpoint_round_trip(name: str, tmp_path: Path, shared_root: Path) -> None:
    torch.manual_seed(2)
    model = zoo.create_model(name)
    trainer = Trainer(max_epochs=1, logger=False, default_root_dir=tmp_path, accelerator="cpu")
    trainer.fit(model, zoo.create_datamodule("digits"))
    trainer.save_checkpoint(tmp_path / "model.ckpt")
    again = zoo.load_model(tmp_path / "model.ckpt")
    assert type(again) is type(model)
    assert again.hparams == model.hparams
    x, _ = example(model)
    assert torch.equal(again(x), model.eval()(x))
    assert not again.training


def test_copies_and_pickles_are_equal(name: str) -> None:
    model = zoo.create_model(name).eval()
    x, _ = example(model)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert torch.equal(other(x), model(x))


@pytest.mark.parametrize("precision", ["bf16-mixed", "64-true", "bf16-true"])
def test_trains_and_tests_in_every_precision_of_the_cpu(name: str, precision: str) -> None:
    model = zoo.create_model(name)
    trainer = Trainer(
        max_epochs=1,
        limit_train_batches=2,
        precision=precision,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    data = zoo.create_datamodule("digits")
    trainer.fit(model, data)
    (results,) = trainer.test(model, data, verbose=False)
    assert 0 < results["test/loss"] < 100
    assert 0 <= results["test/acc"] <= 1


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed", "16-mixed"])
def test_trains_on_a_gpu(name: str, precision: str) -> None:
    trainer = Trainer(max_epochs=1, precision=precision, accelerator="gpu", devices=1, logger=False)
    model, data = zoo.create_model(name), zoo.create_datamodule("digits")
    trainer.fit(model, data)
    (results,) = trainer.test(model, data, verbose=False)
    assert results["test/acc"] > 0.2
    cpu = Trainer(accelerator="cpu", logger=False).test(model, data, verbose=False)[0]
    assert results["test/acc"] == pytest.approx(cpu["test/acc"], abs=2 / 360)  # two near ties may fall otherwise
