"""The networks as their documents define them, in as few words as show the same layers and names."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence


class SLP(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(784, 10)

    def forward(self, x: Tensor) -> Tensor:
        return torch.sigmoid(self.fc(x))


class MLP(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(784, 50)
        self.fc2 = nn.Linear(50, 10)

    def forward(self, x: Tensor) -> Tensor:
        return torch.sigmoid(self.fc2(torch.sigmoid(self.fc1(x))))


class LinearRegression(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.mdl = torch.nn.Linear(2, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.mdl(x)


class CustomFunction(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.A = nn.Parameter(torch.randn(1))
        self.B = nn.Parameter(torch.randn(1))

    def forward(self, x: Tensor) -> Tensor:
        return (self.A * x[:, 0] * torch.log(x[:, 1]) + self.B * x[:, 1] * x[:, 1]).unsqueeze(1)


class XOR(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.in_to_hid = nn.Linear(2, 2)
        self.hid_to_out = nn.Linear(2, 1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.sigmoid(self.hid_to_out(torch.tanh(self.in_to_hid(x))))


class DigitsCNN(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 3)
        self.conv2 = nn.Conv2d(6, 16, 3)
        self.fc1 = nn.Linear(16 * 6 * 6, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.conv1(x)), (2, 2))
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = x.view(-1, 576)
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))


class CifarCNN(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 5)
        self.pool = nn.MaxPool2d(2, 2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x)))
        x = x.view(-1, 16 * 5 * 5)
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))


class FCNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(28 * 28, 200)
        self.fc2 = nn.Linear(200, 200)
        self.fc3 = nn.Linear(200, 10)

    def forward(self, x: Tensor) -> Tensor:
        return F.log_softmax(self.fc3(F.relu(self.fc2(F.relu(self.fc1(x))))), dim=1)


class ConvNet(nn.Module):
    """The document's Sequential, and the head that the zoo adds."""

    def __init__(self) -> None:
        super().__init__()
        self.model = nn.Sequential(
            OrderedDict(
                [
                    ("conv1", nn.Conv2d(1, 20, 5)),
                    ("relu1", nn.ReLU()),
                    ("conv2", nn.Conv2d(20, 64, 5)),
                    ("relu2", nn.ReLU()),
                ]
            )
        )
        self.fc = nn.Linear(6400, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(F.max_pool2d(self.model(x), 2).flatten(1))


class FeedForwardNN(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.dropout = nn.Dropout(0.2)
        self.nonlinearity = nn.ReLU()
        self.hidden_layers = nn.ModuleList([nn.Linear(784, 512), nn.Linear(512, 512)])
        self.output_projection = nn.Linear(512, 10)

    def forward(self, x: Tensor) -> Tensor:
        for hidden_layer in self.hidden_layers:
            x = self.nonlinearity(self.dropout(hidden_layer(x)))
        return F.log_softmax(self.output_projection(x), dim=-1)


class RNN(nn.Module):
    """The document's layer, and the head that the zoo adds."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.RNN(28, 128, batch_first=True)
        self.fc = nn.Linear(128, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.rnn(x)[0][:, -1])


class LSTM(RNN):
    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.LSTM(28, 128, batch_first=True)


class LSTMCell(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.LSTMCell(28, 128)
        self.fc = nn.Linear(128, 10)

    def forward(self, x: Tensor) -> Tensor:
        hx, cx = torch.zeros(len(x), 128), torch.zeros(len(x), 128)
        for i in range(x.shape[1]):
            hx, cx = self.rnn(x[:, i], (hx, cx))
        return self.fc(hx)


class BiLSTMSentiment(nn.Module):
    """The usual form of the tutorial's network."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(10_000, 32, padding_idx=0)
        self.lstm = nn.LSTM(32, 64, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(128, 2)

    def forward(self, x: Tensor) -> Tensor:
        lengths = (x != 0).sum(1)
        packed = pack_padded_sequence(self.embedding(x), lengths, batch_first=True, enforce_sorted=False)
        _, (hidden, _) = self.lstm(packed)
        return self.fc(torch.cat([hidden[0], hidden[1]], dim=1))


DOCUMENTED: dict[str, type[nn.Module]] = {
    "slp": SLP,
    "mlp": MLP,
    "linear": LinearRegression,
    "custom_function": CustomFunction,
    "xor": XOR,
    "digits_cnn": DigitsCNN,
    "cifar_cnn": CifarCNN,
    "fcnet": FCNet,
    "convnet": ConvNet,
    "ffnn": FeedForwardNN,
    "rnn": RNN,
    "lstm": LSTM,
    "lstm_cell": LSTMCell,
    "bilstm_sentiment": BiLSTMSentiment,
}
"""By the zoo's name, those that a document defines. Each takes the network's ``example_input_array``."""
