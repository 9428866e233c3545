"""Metrics."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from lightning.pytorch import Callback
from stand_ins import batches, evaluate_plainly, quiet_trainer
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import zoo
from zoo.tasks import Classifier, Regressor
from zoo.tasks.losses import LossName
from zoo.tasks.metrics import BATCHES_PER_UPDATE


@pytest.mark.parametrize("count", [1, BATCHES_PER_UPDATE - 1, BATCHES_PER_UPDATE, 2 * BATCHES_PER_UPDATE + 1])
def test_metrics_are_exact_for_any_number_of_batches_the_last_one_smaller(count: int) -> None:
    generator = torch.Generator().manual_seed(0)
    size = 3 * count - 1
    examples = TensorDataset(torch.rand(size, 784, generator=generator), torch.arange(size) % 10)
    loader = DataLoader(examples, batch_size=3)
    model = zoo.create_model("slp")
    trainer = quiet_trainer()
    for _ in range(2):  # the second time nothing of the first is left
        (results,) = trainer.test(model, loader, verbose=False)
        loss, accuracy = evaluate_plainly(model, loader)
        assert results["test/loss"] == pytest.approx(loss, rel=1e-5)
        assert results["test/acc"] == pytest.approx(accuracy, rel=1e-6)
        assert int(model.confusion.sum()) == size
        assert int(model.confusion.trace()) == round(accuracy * size)


def test_nothing_of_an_interrupted_epoch_is_measured_in_the_next() -> None:
    class Stop(Callback):
        def on_train_batch_end(self, *_: object) -> None:
            raise RuntimeError("stop")

    model = zoo.create_model("slp", lr=1e-9)
    with pytest.raises(RuntimeError, match="stop"):
        quiet_trainer(callbacks=[Stop()]).fit(model, batches(seed=1))
    trainer = quiet_trainer()
    trainer.fit(model, batches())
    loss, accuracy = evaluate_plainly(model, batches())
    assert float(trainer.callback_metrics["train/loss"]) == pytest.approx(loss, rel=1e-4)
    assert float(trainer.callback_metrics["train/acc"]) == pytest.approx(accuracy)


def test_lbfgs_is_measured_once_a_batch() -> None:
    model = zoo.create_model("slp", optimizer="LBFGS", lr=1e-9)
    trainer = quiet_trainer()
    trainer.fit(model, batches())
    loss, _ = evaluate_plainly(model, batches())
    assert float(trainer.callback_metrics["train/loss"]) == pytest.approx(loss, rel=1e-4)


def test_validation_in_the_middle_of_an_epoch_does_not_mix_with_training() -> None:
    model = zoo.create_model("slp", lr=1e-9)  # as good as no training: both see the same network
    trainer = quiet_trainer(val_check_interval=2)
    trainer.fit(model, batches(count=5), batches(count=7, seed=1))
    for split, loader in (("train", batches(count=5)), ("val", batches(count=7, seed=1))):
        loss, accuracy = evaluate_plainly(model, loader)
        assert float(trainer.callback_metrics[f"{split}/loss"]) == pytest.approx(loss, rel=1e-4)
        assert float(trainer.callback_metrics[f"{split}/acc"]) == pytest.approx(accuracy)


class Questions(Classifier):
    output = "logits"

    def __init__(self, **options: Any) -> None:
        super().__init__(num_classes=3, multilabel=True, loss="bce", lr=1.0, **options)
        self.fc = nn.Linear(2, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(x)


class Numbers(Regressor):
    def __init__(self, **options: Any) -> None:
        super().__init__(lr=0.1, **options)
        self.fc = nn.Linear(2, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(x)


def test_a_multilabel_classifier_counts_right_answers() -> None:
    x = torch.randn(50, 2, generator=torch.Generator().manual_seed(0))
    y = torch.stack([x[:, 0] > 0, x[:, 1] > 0, x.sum(1) > 0], dim=1).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=7)
    model = Questions()
    quiet_trainer(max_epochs=40).fit(model, loader)
    (results,) = quiet_trainer().test(model, loader, verbose=False)
    expected = ((model(x) > 0) == y.bool()).float().mean()
    assert results["test/acc"] == pytest.approx(float(expected))
    assert results["test/acc"] > 0.9
    assert torch.allclose(model.predict_step((x, y), 0), model(x).sigmoid())


@pytest.mark.parametrize("loss", ["mse", "mse_sum", "l1"])
def test_a_regressor_measures_its_error(loss: LossName) -> None:
    x = torch.randn(30, 2, generator=torch.Generator().manual_seed(0))
    y = x @ torch.tensor([[1.0], [-2.0]])
    loader = DataLoader(TensorDataset(x, y), batch_size=7)
    model = Numbers(loss=loss)
    (results,) = quiet_trainer().test(model, loader, verbose=False)
    assert results["test/mae"] == pytest.approx((model(x) - y).abs().mean().item(), rel=1e-5)
