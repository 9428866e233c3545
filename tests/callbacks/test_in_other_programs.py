"""Exact resuming by a callback alone, without the command line."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from data_files import write_imdb
from lightning.pytorch import Trainer
from running import check_resumes, crash_at, load
from stand_ins import quiet_trainer

import zoo
from zoo.callbacks import ExactResume
from zoo.factory import model_class
from zoo.registry import model_row


@pytest.mark.parametrize("precision", ["32-true", "64-true", "bf16-mixed"])
@pytest.mark.parametrize("name", zoo.list_models())
def test_importers_get_it_by_a_callback(
    name: str, precision: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list of callbacks and the zoo's data are all that is needed, for every network and precision."""
    write_imdb(tmp_path)
    data_name = "digits" if model_class(name).takes == "image" else model_row(name).data
    options = {
        "digits": {"augment": True, "batch_size": 16},
        "imdb": {"root": str(tmp_path), "min_frequency": 1, "val_size": 8, "batch_size": 8, "vocab_size": 50},
    }.get(data_name, {"batch_size": 1 if data_name == "xor" else 8})

    def fit(**arguments: Any) -> zoo.tasks.Task:
        data = zoo.create_datamodule(data_name, seed=5, **options)
        if name in ("cifar_cnn", "digits_cnn"):
            data = zoo.create_datamodule(
                "digits", seed=5, image_size=32, channels=3 if "cifar" in name else 1, **options
            )
        torch.manual_seed(0)
        network = zoo.create_model(name, **({"vocab_size": 50} if data_name == "imdb" else {}))
        last = ExactResume(tmp_path / "last.ckpt", every_n_steps=1)
        quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
        short = {"max_epochs": 2, "limit_train_batches": 5, "limit_val_batches": 0}
        trainer = Trainer(callbacks=[last], precision=precision, gradient_clip_val=1.0, **short, **quiet)
        trainer.fit(network, data, **arguments)
        return network

    whole = fit()
    crash_at(6, monkeypatch)
    with pytest.raises(MemoryError):
        fit()
    assert 0 < load(tmp_path / "last.ckpt")["global_step"] <= 6
    resumed = fit(ckpt_path=tmp_path / "last.ckpt", weights_only=True)
    for key, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[key]), key


@pytest.mark.parametrize(("schedule", "arguments"), [("CosineAnnealingLR", {}), ("OneCycleLR", {"max_lr": 0.3})])
def test_a_schedule_as_long_as_the_run_is_resumed_exactly(
    schedule: str, arguments: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lightning's own estimate of the steps of a run would let the resumed epoch begin again."""

    def fit(**resume: Any) -> dict[str, torch.Tensor]:
        torch.manual_seed(0)
        options = {"lr_scheduler": schedule, "lr_scheduler_args": arguments, "warmup_steps": 30}
        network, last = zoo.create_model("mlp", **options), ExactResume("last.ckpt", every_n_steps=1)
        trainer = quiet_trainer(max_epochs=2, enable_checkpointing=True, callbacks=[last])
        trainer.fit(network, zoo.create_datamodule("digits"), **resume)
        return network.state_dict()

    check_resumes(fit, 27, monkeypatch)


def test_it_works_in_a_thread_where_python_handles_no_signals(tmp_path: Path) -> None:
    trainer = quiet_trainer(enable_checkpointing=True, callbacks=[ExactResume(tmp_path / "last.ckpt")])
    with ThreadPoolExecutor(1) as pool:
        pool.submit(trainer.fit, zoo.create_model("slp"), zoo.create_datamodule("digits")).result()
    assert load(tmp_path / "last.ckpt")["global_step"] == trainer.global_step > 0
