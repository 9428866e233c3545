"""Attributions, compared with what is known."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

import zoo
from zoo.reports.explanation import Explanation
from zoo.tasks import Regressor
from zoo.tasks.attribution import attribute
from zoo.tasks.example_inputs import random_inputs


def score(model: zoo.tasks.Task, x: Tensor) -> Tensor:
    with torch.inference_mode():
        output = model.double().eval()(x.double()[None] if x.is_floating_point() else x[None])[0]
    return output.logit() if model.output == "sigmoid" else output


@pytest.mark.parametrize("name", [name for name in zoo.list_models() if name != "custom_function"])
def test_integrated_gradients_are_complete(name: str) -> None:
    torch.manual_seed(0)
    model = zoo.create_model(name, weights=zoo.list_weights(name)[0])
    x = random_inputs(model, 1)[0]
    found = attribute(model, x, 0)
    assert found.integrated.shape == found.gradient.shape == x.shape
    assert found.score == pytest.approx(float(score(model, x).flatten()[0]), abs=1e-6)
    if x.is_floating_point():
        assert found.baseline == pytest.approx(float(score(model, torch.zeros_like(x)).flatten()[0]), abs=1e-6)
    wanted = found.score - found.baseline
    assert float(found.integrated.sum()) == pytest.approx(wanted, abs=1e-3 * max(1, abs(wanted)))
    assert found.is_complete
    assert abs(wanted) > 0.01


@pytest.mark.parametrize(("name", "layer"), [("slp", "fc"), ("linear", "mdl")])
def test_of_one_layer_each_number_adds_its_weight_times_itself(name: str, layer: str) -> None:
    model = zoo.create_model(name, weights=zoo.list_weights(name)[0])
    x = random_inputs(model, 1)[0]
    weight = getattr(model, layer).weight[0].detach()
    found = attribute(model, x, 0)
    for attribution in (found.gradient, found.integrated):
        torch.testing.assert_close(attribution.flatten(), weight * x.flatten(), rtol=1e-5, atol=1e-6)


def test_a_picture_is_compared_with_a_black_one() -> None:
    """The inputs of ``cifar_cnn`` run from -1."""
    model = zoo.create_model("cifar_cnn", weights="cifar10")
    x = random_inputs(model, 1)[0]
    explained = Explanation.of(model, x)
    black, output = torch.full_like(x, -1.0), int(model.predict(x[None]).values.argmax())
    assert explained.attribution.baseline == pytest.approx(float(score(model, black)[output]), abs=1e-5)
    assert explained.attribution.is_complete
    assert "of a black picture" in str(explained)


def test_of_a_text_each_word_adds_its_part() -> None:
    model = zoo.create_model("bilstm_sentiment", weights="imdb")
    assert model.transform
    x = model.transform("a wonderful film , and not a boring minute")
    found = attribute(model, x, 1)
    words = dict(zip(model.transform.as_text(x).split(), found.integrated.tolist(), strict=True))
    assert words["wonderful"] > 0 > words["boring"]
    assert words["wonderful"] == max(words.values())


class Jumps(Regressor):
    """A step in the middle of the way, which has no gradient."""

    takes = "table"

    def __init__(self) -> None:
        super().__init__(loss="mse", lr=0.1)

    def forward(self, x: Tensor) -> Tensor:
        return x + (x > 0.5).to(x.dtype)


def test_a_score_that_jumps_is_told() -> None:
    found = attribute(Jumps(), torch.ones(1), 0)
    assert (found.score, found.baseline) == (2, 0)
    assert float(found.integrated) == pytest.approx(1)
    assert not found.is_complete
    explained = str(Explanation("table", "two", torch.ones(1), found, ["x"]))
    assert "The parts add up to +1.0000 alone, since the score jumps" in explained


def test_the_network_is_left_as_it_was() -> None:
    model = zoo.create_model("ffnn").train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    attribute(model, random_inputs(model, 1)[0], 0)
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_network_that_is_not_defined_for_zeros_is_refused() -> None:
    with pytest.raises(zoo.ZooError, match="CustomFunction has no finite score for this input, or for an empty one"):
        attribute(zoo.create_model("custom_function"), torch.ones(2), 0)  # has a logarithm


def test_a_network_of_texts_without_one_embedding_is_refused() -> None:
    model = zoo.create_model("bilstm_sentiment")
    model.another = torch.nn.Embedding(3, 2)
    with pytest.raises(zoo.ZooError, match="has 2 embeddings of words, expected one"):
        attribute(model, torch.tensor([1, 2]), 0)
