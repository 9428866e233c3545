"""Networks inside other people's code."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from test_models import example
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import zoo
from zoo.inputs import random_inputs
from zoo.tasks import Classifier, Task

WITH_HEAD = [name for name in zoo.list_models() if zoo.creating.model_class(name).head]

every_network = pytest.mark.parametrize("name", zoo.list_models())
every_head = pytest.mark.parametrize("name", WITH_HEAD)


@every_head
def test_a_backbone_gives_what_the_head_sees(name: str) -> None:
    model = zoo.create_model(name).eval()
    x = random_inputs(model, 3)
    features = model.features(x)
    head = getattr(model, str(model.head))
    raw = head(features)
    activated = {"sigmoid": torch.sigmoid, "log_probs": lambda z: z.log_softmax(-1), "logits": lambda z: z}
    assert features.shape == (3, head.in_features)
    assert torch.equal(activated[model.output](raw), model(x))


@every_head
def test_without_classes_a_network_is_its_features(name: str) -> None:
    whole = zoo.create_model(name).eval()
    backbone = zoo.create_model(name, num_classes=0).eval()
    backbone.load_state_dict({k: v for k, v in whole.state_dict().items() if not k.startswith(f"{whole.head}.")})
    x = random_inputs(whole, 3)
    assert torch.equal(backbone(x), whole.features(x))
    for fault in (backbone.configure_optimizers, lambda: backbone.predict(x)):
        with pytest.raises(zoo.ZooError, match="without a head"):
            fault()


def test_a_network_without_a_head_says_so() -> None:
    model = zoo.create_model("linear")
    with pytest.raises(zoo.ZooError, match="no head"):
        model.features(torch.ones(1, 2))


@every_head
def test_a_frozen_backbone_under_a_head_of_ones_own(name: str) -> None:
    torch.manual_seed(0)
    backbone = zoo.create_model(name, num_classes=0).eval().requires_grad_(False)
    x = random_inputs(backbone, 8)
    head = nn.Linear(backbone(x).shape[1], 3)
    before = copy.deepcopy(backbone.state_dict())
    optimizer = torch.optim.SGD([p for p in (*backbone.parameters(), *head.parameters()) if p.requires_grad], lr=0.01)
    losses = []
    for _ in range(20):
        loss = nn.functional.cross_entropy(head(backbone(x)), torch.arange(8) % 3)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    assert all(torch.equal(value, before[key]) for key, value in backbone.state_dict().items())


@every_network
def test_a_plain_pytorch_loop_trains_it(name: str) -> None:
    torch.manual_seed(0)
    model = zoo.create_model(name)
    before = copy.deepcopy(model.state_dict())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    x, target = example(model)
    for batch in DataLoader(TensorDataset(x, target), batch_size=4):
        optimizer.zero_grad()
        model.loss(model(batch[0]), batch[1]).backward()
        optimizer.step()
    assert all(not torch.equal(value, before[key]) for key, value in model.state_dict().items())


class Theirs(LightningModule):
    """A module of someone else, which trains a network of the zoo as a part."""

    def __init__(self, network: Task) -> None:
        super().__init__()
        self.network = network

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        x, target = batch
        loss: Tensor = self.network.loss(self.network(x), target)
        self.log("loss", loss)
        return loss

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.01)


@every_network
def test_part_of_someone_elses_lightning_module(name: str) -> None:
    model = Theirs(zoo.create_model(name))
    before = copy.deepcopy(model.network.state_dict())
    trainer = Trainer(
        max_epochs=1, logger=False, enable_checkpointing=False, enable_progress_bar=False, accelerator="cpu"
    )
    trainer.fit(model, DataLoader(TensorDataset(*example(model.network)), batch_size=4))
    assert "loss" in trainer.callback_metrics
    assert any(not torch.equal(value, before[key]) for key, value in model.network.state_dict().items())


@every_network
def test_compiled_it_gives_the_same(name: str) -> None:
    torch._dynamo.reset()
    model = zoo.create_model(name).eval()
    x = random_inputs(model, 3)
    compiled = torch.compile(model, backend="aot_eager")
    assert torch.allclose(compiled(x), model(x), atol=1e-6)


@every_network
def test_functional_call_takes_other_parameters(name: str) -> None:
    model, other = zoo.create_model(name).eval(), zoo.create_model(name).eval()
    x = random_inputs(model, 3)
    assert torch.equal(torch.func.functional_call(model, dict(other.named_parameters()), (x,)), other(x))


@every_network
def test_copies_and_pickles_are_equal_and_their_own(name: str) -> None:
    model = zoo.create_model(name).eval()
    x = random_inputs(model, 3)
    expected = model(x)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert torch.equal(other(x), expected)
        with torch.no_grad():
            next(other.parameters()).add_(1)
        assert torch.equal(model(x), expected)


def _answer(tasks: Any, answers: Any) -> None:
    for model, x in iter(tasks.get, None):
        answers.put(model(x).detach().numpy())


@pytest.fixture(scope="module")
def other_process() -> Iterator[tuple[Any, Any]]:
    context = torch.multiprocessing.get_context("spawn")
    tasks, answers = context.Queue(), context.Queue()
    process = context.Process(target=_answer, args=(tasks, answers), daemon=True)
    process.start()
    yield tasks, answers
    tasks.put(None)
    process.join(30)
    assert process.exitcode == 0


@every_network
def test_another_process_gives_the_same(name: str, other_process: tuple[Any, Any]) -> None:
    tasks, answers = other_process
    model = zoo.create_model(name).eval()
    x = random_inputs(model, 3)
    tasks.put((model, x))
    assert torch.allclose(torch.from_numpy(answers.get(timeout=60)), model(x), atol=1e-6)


def test_predictions_are_named_and_leave_the_mode_alone() -> None:
    model = zoo.create_model("ffnn", dropout=0.9).train()
    x = random_inputs(model, 5)
    labels, probabilities = model.predict(x)
    assert isinstance(model, Classifier)
    assert model.training
    assert torch.equal(probabilities, model.predict(x).values)  # no dropout
    assert labels == [str(i) for i in probabilities.argmax(-1).tolist()]
    model.classes = tuple("abcdefghij")
    assert model.predict(x).labels == ["abcdefghij"[int(i)] for i in probabilities.argmax(-1)]


def test_rows_are_one_or_several() -> None:
    data = zoo.create_datamodule("xor")
    model = zoo.create_model("xor")
    with pytest.raises(zoo.ZooError, match="set its transform"):
        model.predict([0, 1])
    model.transform, model.classes = data.transform, data.classes
    assert model.predict([0, 1]).values.shape == (1, 1)
    labels, probabilities = model.predict([[0, 1], [1, 1], [0, 0]])
    assert probabilities.shape == (3, 1)
    assert labels == [("1",) if p > 0.5 else () for p in probabilities.flatten()]
    with pytest.raises(zoo.ZooError, match="3 numbers, expected 2"):
        model.predict([0, 1, 2])
