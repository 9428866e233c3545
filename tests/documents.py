"""The networks as their documents define them, in as few words as show the same layers and names."""

from __future__ import annotations

import torch
from torch import Tensor, nn


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


DOCUMENTED: dict[str, type[nn.Module]] = {"slp": SLP, "mlp": MLP}
"""By the zoo's name. Each takes the network's ``example_input_array``."""
