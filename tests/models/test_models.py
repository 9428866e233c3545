"""What holds for every network of the registry."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
import torch
from documents import DOCUMENTED
from lightning.pytorch import Trainer
from stand_ins import example, stand_in

import zoo
from zoo.commands.parser_defaults import fit_parser_with_defaults
from zoo.commands.request import Request
from zoo.factory import model_class
from zoo.registry import model_row

pytestmark = pytest.mark.parametrize("name", zoo.list_models())


def test_forward_has_the_documented_shape_and_no_nan(name: str) -> None:
    model = zoo.create_model(name).eval()
    x, _ = example(model)
    output = model(x)
    outputs = model.hparams.get("num_classes", 1)
    assert output.shape == (8, outputs)
    assert output.isfinite().all()
    assert torch.allclose(output[:1], model(x[:1]), atol=1e-6)  # examples do not see each other
    assert torch.allclose(model.predicted(output).sum(-1), torch.ones(8)) == (model.output in ("logits", "log_probs"))


def test_every_parameter_gets_a_gradient(name: str) -> None:
    torch.manual_seed(0)
    model = zoo.create_model(name)
    model.training_step(example(model), 0).backward()
    for parameter_name, parameter in model.named_parameters():
        assert parameter.grad is not None, parameter_name
        assert parameter.grad.isfinite().all(), parameter_name
        assert parameter.grad.abs().sum() > 0, parameter_name


def test_gradients_are_those_of_finite_differences(name: str) -> None:
    torch.manual_seed(0)
    assert zoo.gradcheck(zoo.create_model(name))


def test_the_loss_falls_on_eight_examples(name: str) -> None:
    torch.manual_seed(0)
    model = zoo.create_model(name)
    optimizer = model.configure_optimizers()
    batch = example(model)
    losses = []
    for _ in range(200):
        loss = model.training_step(batch, 0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert min(losses[-5:]) < 0.97 * losses[0]


TRAINING = {
    "slp": ("mnist", 64, 10, "mse", "SGD", 0.5, {}),
    "mlp": ("mnist", 64, 10, "mse", "SGD", 0.5, {}),
    "linear": ("quadratic", 30, 1001, "mse_sum", "SGD", 1e-3, {}),
    "digits_cnn": ("mnist", 16, 5, "cross_entropy", "SGD", 0.01, {}),
    "cifar_cnn": ("cifar10", 4, 2, "cross_entropy", "SGD", 1e-3, {"momentum": 0.9}),
    "fcnet": ("mnist", 64, 10, "nll", "SGD", 0.1, {}),
    "ffnn": ("fashion_mnist", 64, 10, "nll", "SGD", 0.1, {"momentum": 0.9}),
}
"""Of the documents that tell it: data, batch size, epochs, loss, optimizer, learning rate, further arguments."""

EVERY_50 = {"trainer.check_val_every_n_epoch": 50}

OPTIONS = {
    "linear": EVERY_50,
    "custom_function": EVERY_50,
    "xor": EVERY_50,
    "digits_cnn": {"data.padding": 2},
    "ffnn": {"trainer.val_check_interval": 500, "trainer.check_val_every_n_epoch": None},
    "bilstm_sentiment": {
        "data.max_length": 256,
        "data.truncation_side": "left",
        "trainer.gradient_clip_val": 1.0,
        "model.word_dropout": 0.2,
        "model.lr_scheduler": "CosineAnnealingLR",
    },
}
"""Further options of the documented training; those of `bilstm_sentiment` are the zoo's."""


def test_documented_training_is_the_default(name: str) -> None:
    row, model = model_row(name), zoo.create_model(name)
    options = (model.hparams["loss"], model.optimizer, model.lr, model.optimizer_args)
    assert row.data in zoo.list_datamodules()
    if name in TRAINING:
        assert (row.data, row.batch_size, row.max_epochs, *options) == TRAINING[name]
    assert row.options == OPTIONS.get(name, {})
    defaults = dict(fit_parser_with_defaults(Request("fit", "", name)).get_defaults().items())
    assert {option: defaults[option] for option in row.options} == row.options


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
    assert not [key for key in model.state_dict() if key.startswith("split_metrics")]


def test_the_documents_own_weights_load_and_give_the_same_output(name: str) -> None:
    if name not in DOCUMENTED:
        pytest.skip("its document defines no class")
    torch.manual_seed(1)
    documented, model, rounding = DOCUMENTED[name]().eval(), zoo.create_model(name).eval(), 0.0
    if name == "bilstm_sentiment":  # it does not pack the sequences: the same sums in another order
        documented, model, rounding = documented.double(), model.double(), 1e-15
    model.load_state_dict(documented.state_dict(), strict=True)
    x, _ = example(model)
    torch.testing.assert_close(model(x), documented(x), rtol=0, atol=rounding)


def test_checkpoint_round_trip(name: str, tmp_path: Path) -> None:
    torch.manual_seed(2)
    model = zoo.create_model(name)
    trainer = Trainer(fast_dev_run=3, logger=False, default_root_dir=tmp_path, accelerator="cpu")
    trainer.fit(model, stand_in(model))
    trainer.save_checkpoint(tmp_path / "model.ckpt")
    again = zoo.load_model(tmp_path / "model.ckpt")
    assert type(again) is type(model)
    assert again.hparams == model.hparams
    x, _ = example(model)
    assert torch.equal(again(x), model.eval()(x))
    assert not again.training


@pytest.mark.parametrize("precision", ["bf16-mixed", "64-true", "bf16-true"])
def test_trains_and_tests_in_every_precision_of_the_cpu(name: str, precision: str) -> None:
    model = zoo.create_model(name)
    trainer = Trainer(
        max_epochs=1,
        limit_train_batches=2,
        limit_val_batches=1,
        limit_test_batches=1,
        enable_model_summary=False,
        precision=precision,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
    )
    data = stand_in(model)
    trainer.fit(model, data)
    (results,) = trainer.test(model, data, verbose=False)
    assert 0 < results["test/loss"] < 1e4
