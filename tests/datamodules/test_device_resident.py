"""Where the examples of data sets in memory are."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from every_data import arguments_of_data, small_data
from lightning.pytorch import Callback, LightningModule, Trainer

import zoo
from zoo.callbacks import FastSteps
from zoo.datamodules.common import InMemory
from zoo.errors import ZooError
from zoo.factory import datamodule_class
from zoo.models import SLP
from zoo.support.signatures import arguments_of

HAVE_IT = [name for name in zoo.list_datamodules() if "device_resident" in arguments_of(datamodule_class(name))]


class Places(Callback):
    """Notes where batches are before Lightning moves them."""

    def __init__(self) -> None:
        self.places: set[str] = set()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        assert trainer.train_dataloader is not None
        self.places = {part.device.type for batch in trainer.train_dataloader for part in batch}


def test_data_sets_in_files_and_in_memory_have_it() -> None:
    from_files = [
        name
        for name in zoo.list_datamodules()
        if issubclass(cls := datamodule_class(name), InMemory) and "root" in arguments_of(cls)
    ]
    assert {*from_files, "arrays", "csv", "folder"} <= {*HAVE_IT}


@pytest.mark.parametrize("name", HAVE_IT)
def test_the_examples_are_the_same(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = arguments_of_data(name, tmp_path)
    loaders = [
        small_data(name, arguments, device_resident=choice).train_dataloader() for choice in ("auto", True, False)
    ]
    for batches in zip(*loaders, strict=True):
        assert all(torch.equal(part, first) for batch in batches for part, first in zip(batch, batches[0], strict=True))
    with pytest.raises(ZooError, match="device_resident must be auto, True or False, got 'yes'"):
        small_data(name, arguments, device_resident="yes")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("choice", ["auto", True, False])
def test_they_are_on_the_gpu_or_not(choice: str | bool) -> None:
    made = {"x_train": torch.rand(640, 784), "y_train": torch.arange(640) % 10}
    data = zoo.create_datamodule("arrays", device_resident=choice, **made)
    weights = []
    for callbacks in ([], [FastSteps(4)]):
        torch.manual_seed(0)
        places, model = Places(), SLP()
        trainer = Trainer(
            accelerator="cuda",
            devices=1,
            max_epochs=1,
            logger=False,
            enable_checkpointing=False,
            callbacks=[places, *callbacks],
        )
        trainer.fit(model, data)
        assert places.places == {"cuda" if choice else "cpu"}
        weights.append(torch.cat([p.detach().cpu().flatten() for p in model.parameters()]))
    assert torch.equal(*weights)
