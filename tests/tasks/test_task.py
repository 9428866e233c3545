"""What every task does: hyperparameters, predictions, resuming."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback, Trainer
from stand_ins import quiet_trainer
from torch import Tensor
from torch.nn import functional as F

import zoo
from zoo.tasks import Classifier


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"loss": "nll"},
            "is not valid for sigmoid outputs and class targets; use mse or mse_sum or l1 or bce",
        ),
        ({"loss": "nlll"}, "did you mean 'nll'?"),
        ({"lr": math.nan}, "lr must be a finite number above 0, got nan"),
        ({"lr": math.inf}, "lr must be a finite number above 0"),
        ({"lr": -1.0}, "lr must be a finite number above 0"),
        ({"l1": -1.0}, "l1 must be a finite number of at least 0"),
        ({"l2": math.nan}, "l2 must be a finite number of at least 0"),
        ({"in_dim": 0}, "in_dim must be at least 1"),
        ({"num_classes": 1}, "num_classes must be at least 2"),
        ({"optimizer": "Adamm"}, "unknown optimizer 'Adamm'; did you mean 'Adam'?"),
        ({"optimizer": "Optimizer"}, "unknown optimizer"),
        ({"optimizer_args": {"momentun": 0.9}}, "SGD takes no argument 'momentun'; did you mean 'momentum'?"),
        ({"optimizer_args": {"lr": 0.9}}, "optimizer_args must not contain 'lr'"),
        ({"optimizer_args": {"momentum": torch.ones(1)}}, "optimizer_args.momentum must be plain"),
        ({"lr_scheduler": "StepLr", "lr_scheduler_args": {"step_size": 1}}, "did you mean 'StepLR'?"),
        ({"lr_scheduler": "StepLR"}, "missing a required argument: 'step_size'; set it in lr_scheduler_args"),
        ({"lr_scheduler": "StepLR", "lr_scheduler_args": {"stepsize": 1}}, "did you mean 'step_size'?"),
        ({"loss": F.mse_loss}, "loss must be plain"),
        ({"in_dim": Path("784")}, "in_dim must be plain"),
    ],
)
def test_bad_hyperparameters_are_refused_at_construction(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(zoo.ZooError) as raised:
        zoo.create_model("slp", **arguments)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


class StopAtStep(Callback):
    """Saves in the middle of an epoch, and stops."""

    def __init__(self, step: int, path: Path) -> None:
        self.step, self.path = step, path

    def on_train_batch_end(self, trainer: Trainer, *_: object) -> None:
        if trainer.global_step == self.step:
            trainer.save_checkpoint(self.path)
            raise KeyboardInterrupt


@pytest.mark.parametrize("step", [3, 20, 27])
def test_a_fit_resumed_in_the_middle_of_an_epoch_ends_with_the_same_weights(step: int, tmp_path: Path) -> None:
    def run(*callbacks: Callback, ckpt_path: Path | None = None) -> Tensor:
        torch.manual_seed(0)
        model = zoo.create_model("slp")
        trainer = quiet_trainer(max_epochs=2, callbacks=list(callbacks))
        trainer.fit(model, zoo.create_datamodule("digits"), ckpt_path=ckpt_path, weights_only=True)
        return model.fc.weight.detach()

    undisturbed = run()
    with pytest.raises(SystemExit):
        run(StopAtStep(step, tmp_path / "stopped.ckpt"))
    assert torch.equal(run(ckpt_path=tmp_path / "stopped.ckpt"), undisturbed)


def test_probabilities_by_the_kind_of_output() -> None:
    raw = torch.randn(4, 3)

    class Any3(Classifier):
        output = "logits"

        def __init__(self) -> None:
            super().__init__(num_classes=3, loss="cross_entropy", lr=1.0)

    model = Any3()
    assert torch.allclose(model.predicted(raw), raw.softmax(-1))
    model.output = "log_probs"  # type: ignore[misc]
    assert torch.allclose(model.predicted(raw.log_softmax(-1)), raw.softmax(-1))
