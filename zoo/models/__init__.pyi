# Written by scripts/stubs.py from zoo/registry.py.

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
    "BiLSTMSentiment",
    "CifarCNN",
    "ConvNet",
    "CustomFunction",
    "DigitsCNN",
    "FCNet",
    "FeedForwardNN",
    "LSTM",
    "LSTMCell",
    "LinearRegression",
    "MLP",
    "RNN",
    "SLP",
    "XOR",
]
