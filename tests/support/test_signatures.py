"""What a class takes."""

from __future__ import annotations

from zoo.factory import model_class
from zoo.support.signatures import arguments_of


def test_arguments_are_those_of_the_network_and_of_every_network() -> None:
    arguments = set(arguments_of(model_class("mlp")))
    assert {"hidden_dim", "lr", "optimizer_args", "lr_scheduler", "l1", "l2"} <= arguments
    assert "options" not in arguments
