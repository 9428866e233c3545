"""Networks, one file each. A network is imported when its name is first used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zoo.factory import load_class
from zoo.registry import MODELS

if TYPE_CHECKING:
    from zoo.models.bilstm_sentiment import BiLSTMSentiment
    from zoo.models.cifar_cnn import CifarCNN
    from zoo.models.convnet import ConvNet
    from zoo.models.custom_function import CustomFunction
    from zoo.models.digits_cnn import DigitsCNN
    from zoo.models.fcnet import FCNet
    from zoo.models.ffnn import FeedForwardNN
    from zoo.models.linear import LinearRegression
    from zoo.models.lstm import LSTM
    from zoo.models.lstm_cell import LSTMCell
    from zoo.models.mlp import MLP
    from zoo.models.rnn import RNN
    from zoo.models.slp import SLP
    from zoo.models.xor import XOR

__all__ = [
    "LSTM",
    "MLP",
    "RNN",
    "SLP",
    "XOR",
    "BiLSTMSentiment",
    "CifarCNN",
    "ConvNet",
    "CustomFunction",
    "DigitsCNN",
    "FCNet",
    "FeedForwardNN",
    "LSTMCell",
    "LinearRegression",
]


def __getattr__(name: str) -> Any:
    return load_class(name, MODELS, __name__)


def __dir__() -> list[str]:
    return __all__
