"""A user's project, as mypy and pyright check it: what the zoo's types must serve."""

from typing import Any, assert_type

import torch
from lightning.pytorch import LightningDataModule, LightningModule, Trainer
from torch import Tensor, nn

import zoo
from zoo.datamodules import MNIST
from zoo.models import SLP, CifarCNN
from zoo.tasks import Prediction, Task

assert_type(zoo.list_models("*lp"), list[str])
assert_type(zoo.list_weights("slp"), list[str])
assert_type(zoo.weights_record("slp"), zoo.WeightsRecord)

model = zoo.create_model("slp", weights="mnist")
assert_type(model, Task)
assert_type(zoo.load_model("last.ckpt"), Task)
assert_type(zoo.gradcheck(model), bool)
assert_type(zoo.read_results("runs"), list[dict[str, Any]])
assert_type(model.predict([0.0, 1.0]), Prediction)
labels, probabilities = model.predict(torch.zeros(1, 784))
assert_type(probabilities, Tensor)
assert_type(model.classes, tuple[str, ...])

data: LightningDataModule = zoo.create_datamodule("mnist", val_size=0)
Trainer(max_epochs=1).fit(model, data)

perceptron = SLP(in_dim=3072, num_classes=7, loss="bce", optimizer="Adam", lr=1e-3, l2=1e-4)
module: LightningModule = perceptron
assert_type(perceptron.features(torch.zeros(1, 3072)), Tensor)
SLP(in_dimension=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
SLP(loss="hinge")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
SLP(l2="a lot")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

data = MNIST(batch_size=32, val_size=0.1)
MNIST(batchsize=32)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


class Mine(nn.Module):
    """A network on top of one of the zoo's."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = CifarCNN(num_classes=0)
        self.head = nn.Linear(84, 3)

    def forward(self, x: Tensor) -> Tensor:
        features: Tensor = self.backbone(x)
        output: Tensor = self.head(features)
        return output
