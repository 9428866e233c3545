"""The registry: one row per model, one row per data set.

Nothing heavy is imported here, so that listing the zoo is fast.
"""

from __future__ import annotations

import fnmatch
import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from zoo.errors import ZooError, suggestion
from zoo.plugins import with_plugins


@dataclass(frozen=True)
class ModelRow:
    """A network and its documented training.

    Attributes:
        path: Import path of the class, as ``module:Class``.
        summary: Short description.
        data: Name of the data set used in the source document.
        batch_size: Documented batch size.
        max_epochs: Documented number of epochs.
        options: Further documented options, named as on the command line.
    """

    path: str
    summary: str
    data: str
    batch_size: int
    max_epochs: int
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class DataRow:
    """A data set.

    Attributes:
        path: Import path of the class, as ``module:Class``.
        summary: Short description.
        license: License of the data.
    """

    path: str
    summary: str
    license: str


MODELS: dict[str, ModelRow] = {
    "slp": ModelRow("zoo.models.slp:SLP", "single-layer perceptron, 784 → 10, sigmoid", "mnist", 64, 10),
    "mlp": ModelRow("zoo.models.mlp:MLP", "multi-layer perceptron, 784 → 50 → 10, sigmoids", "mnist", 64, 10),
    "linear": ModelRow(
        "zoo.models.linear:LinearRegression",
        "linear regression on two features",
        "quadratic",
        30,
        1001,
        {"trainer.check_val_every_n_epoch": 50},
    ),
    "custom_function": ModelRow(
        "zoo.models.custom_function:CustomFunction",
        "A·x·log(y) + B·y², A and B learned",
        "custom_function",
        100,
        500,
        {"trainer.check_val_every_n_epoch": 50},
    ),
    "xor": ModelRow(
        "zoo.models.xor:XOR",
        "exclusive or, 2 → 2 → 1, tanh and sigmoid",
        "xor",
        4,
        3000,
        {"trainer.check_val_every_n_epoch": 50},
    ),
    "digits_cnn": ModelRow(
        "zoo.models.digits_cnn:DigitsCNN",
        "two 3×3 convolutions, three linear layers, on 32×32",
        "mnist",
        16,
        5,
        {"data.padding": 2},
    ),
    "cifar_cnn": ModelRow(
        "zoo.models.cifar_cnn:CifarCNN", "two 5×5 convolutions, three linear layers, in color", "cifar10", 4, 2
    ),
    "fcnet": ModelRow("zoo.models.fcnet:FCNet", "784 → 200 → 200 → 10, ReLU, log-softmax", "mnist", 64, 10),
    "convnet": ModelRow("zoo.models.convnet:ConvNet", "two 5×5 convolutions, 20 and 64 maps, linear", "mnist", 64, 3),
    "ffnn": ModelRow(
        "zoo.models.ffnn:FeedForwardNN",
        "feed-forward network of any depth, dropout, log-softmax",
        "fashion_mnist",
        64,
        10,
        {"trainer.val_check_interval": 500, "trainer.check_val_every_n_epoch": None},
    ),
    "rnn": ModelRow("zoo.models.rnn:RNN", "recurrent network over the rows of an image", "mnist", 64, 5),
    "lstm": ModelRow("zoo.models.lstm:LSTM", "long short-term memory over the rows of an image", "mnist", 64, 4),
    "lstm_cell": ModelRow(
        "zoo.models.lstm_cell:LSTMCell", "LSTM cell, stepped by hand over the rows of an image", "mnist", 64, 4
    ),
    "bilstm_sentiment": ModelRow(
        "zoo.models.bilstm_sentiment:BiLSTMSentiment",
        "bidirectional LSTM for film reviews",
        "imdb",
        64,
        8,
        {
            "data.max_length": 256,
            "data.truncation_side": "left",
            "trainer.gradient_clip_val": 1.0,
            "model.word_dropout": 0.2,
            "model.lr_scheduler": "CosineAnnealingLR",
        },
    ),
}

YOURS = "yours: the data is not part of the zoo"
MADE_HERE = "MIT, as the zoo, which generates it"

DATAMODULES: dict[str, DataRow] = {
    "mnist": DataRow(
        "zoo.datamodules.mnist:MNIST", "70,000 handwritten digits, 28×28 gray (torchvision's)", "CC BY-SA 3.0"
    ),
    "fashion_mnist": DataRow(
        "zoo.datamodules.fashion_mnist:FashionMNIST", "70,000 articles of clothing, 28×28 gray (torchvision's)", "MIT"
    ),
    "cifar10": DataRow(
        "zoo.datamodules.cifar10:CIFAR10",
        "60,000 photos of ten kinds of objects, 32×32 color (torchvision's)",
        "none stated; its publisher asks to be cited",
    ),
    "celeba": DataRow(
        "zoo.datamodules.celeba:CelebA",
        "202,599 faces with 40 attributes, color (torchvision's)",
        "non-commercial research only",
    ),
    "imdb": DataRow(
        "zoo.datamodules.imdb:IMDB",
        "50,000 film reviews, negative or positive",
        "none stated; its publisher asks to be cited",
    ),
    "digits": DataRow(
        "zoo.datamodules.digits:Digits", "1,797 handwritten digits, included (scikit-learn's)", "CC BY 4.0"
    ),
    "arrays": DataRow("zoo.datamodules.arrays:Arrays", "your own tensors or arrays, in Python", YOURS),
    "dataset": DataRow("zoo.datamodules.wrapped:Wrapped", "your own data set of torch, in Python", YOURS),
    "folder": DataRow("zoo.datamodules.folder:Folder", "your own pictures, in a folder for each class", YOURS),
    "quadratic": DataRow(
        "zoo.datamodules.quadratic:Quadratic", "30 points of y = 2x² + 3 + noise, generated", MADE_HERE
    ),
    "custom_function": DataRow(
        "zoo.datamodules.custom_function:CustomFunctionData", "values of A·x·log(y) + B·y², generated", MADE_HERE
    ),
    "xor": DataRow("zoo.datamodules.xor:XORData", "the four rows of exclusive or", MADE_HERE),
    "csv": DataRow("zoo.datamodules.csv:CSV", "a table of your own: CSV, TSV or Parquet", "yours"),
    "text": DataRow("zoo.datamodules.own_texts:OwnTexts", "texts of your own: a table, or folders of .txt", "yours"),
}


@functools.cache
def models() -> dict[str, ModelRow]:
    """Return the rows of all networks by name, those of installed plugins included."""
    return with_plugins(MODELS, "zoo.models", ModelRow)


@functools.cache
def datamodules() -> dict[str, DataRow]:
    """Return the rows of all data sets by name, those of installed plugins included."""
    return with_plugins(DATAMODULES, "zoo.datamodules", DataRow)


def list_models(pattern: str = "*") -> list[str]:
    """Return the names of the networks that match a shell-style pattern, for example ``"*lp"``, sorted."""
    return sorted(fnmatch.filter(models(), pattern))


def list_datamodules(pattern: str = "*") -> list[str]:
    """Return the names of the data sets that match a shell-style pattern, sorted."""
    return sorted(fnmatch.filter(datamodules(), pattern))


def data_row(name: str) -> DataRow:
    """Return the row of a data set. Raises ZooError, with a suggestion, if the name is unknown."""
    return _row("data set", name, datamodules())


def model_row(name: str) -> ModelRow:
    """Return the row of a network. Raises ZooError, with a suggestion, if the name is unknown."""
    return _row("model", name, models())


Row = TypeVar("Row")


def _row(kind: str, name: str, rows: Mapping[str, Row]) -> Row:
    if name not in rows:
        hint = suggestion(name, rows) or f"; the zoo has {', '.join(sorted(rows))}"
        raise ZooError(f"unknown {kind} {name!r}{hint}")
    return rows[name]
