"""Networks and data that stand in for others: examples of the right shape, batches, a quiet trainer."""

from __future__ import annotations

from typing import Any

import torch
from lightning.pytorch import Trainer
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

import zoo
from zoo.datamodules.common import DataModule, InMemory
from zoo.factory import model_class
from zoo.tasks import Classifier, Regressor, Task
from zoo.tasks.example_inputs import random_inputs
from zoo.transforms import Text


def example(model: Task, size: int = 8) -> tuple[Tensor, Tensor]:
    """Random inputs of the documented shape, and targets that fit."""
    x = random_inputs(model, size)
    if isinstance(model, Regressor):
        return x, torch.rand(size, 1, generator=torch.Generator().manual_seed(1))
    if model.multilabel:
        return x, torch.arange(size).unsqueeze(1) % 2
    return x, torch.arange(size) % model.hparams["num_classes"]


def stand_in(model: Task) -> DataModule:
    """Data without a download that the network can learn from, in its documented shape."""
    if model.takes == "table":
        return zoo.create_datamodule({"linear": "quadratic"}.get(zoo_name(model), zoo_name(model)))
    if model.takes == "text":
        return Words()
    shape = model.example_input_array.shape[1:]
    channels, size = (shape[0], shape[-1]) if len(shape) == 3 else (1, 28)
    return zoo.create_datamodule("digits", channels=channels, image_size=size)


def zoo_name(model: Task) -> str:
    return next(name for name in zoo.list_models() if model_class(name) is type(model))


class Words(InMemory):
    """Texts of one known word or another."""

    kind = "text"
    classes = ("a", "b")
    shape = (5,)

    def load(self, train: bool) -> tuple[Tensor, Tensor]:
        y = torch.arange(64) % 2
        return (y + 1).unsqueeze(1).repeat(1, 5), y

    @property
    def transform(self) -> Text:
        return Text(Tokenizer(WordLevel({"[PAD]": 0, "a": 1, "b": 2}, "[PAD]")).to_str())

    def model_arguments(self) -> dict[str, int | bool]:
        return {"num_classes": 2}


def quiet_trainer(**arguments: Any) -> Trainer:
    settings = {"max_epochs": 1, "accelerator": "cpu", "logger": False, "enable_checkpointing": False}
    return Trainer(**{**settings, "enable_progress_bar": False, "enable_model_summary": False, **arguments})


def batches(size: int = 4, count: int = 3, seed: int = 0) -> DataLoader[Any]:
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(size * count, 784, generator=generator)
    return DataLoader(TensorDataset(x, torch.arange(size * count) % 10), batch_size=size)


def evaluate_plainly(model: Classifier, loader: DataLoader[Any]) -> tuple[float, float]:
    """Loss and accuracy by one pass over everything at once."""
    x, y = (torch.cat(parts) for parts in zip(*loader, strict=True))
    with torch.inference_mode():
        output = model.eval()(x)
        return float(model.loss(output, y)), float((output.argmax(-1) == y).float().mean())
