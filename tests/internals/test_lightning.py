"""What the zoo uses of Lightning beyond its public interface."""

from __future__ import annotations

from lightning.pytorch import Callback, LightningModule
from stand_ins import batches, quiet_trainer

import zoo
from zoo.internals.lightning import is_progress_method, trainer_of, without_hooks


def test_lightnings_note_of_the_hook_still_works() -> None:
    model = zoo.create_model("slp")
    model._current_fx_name = "training_step"
    assert model._current_fx_name == "training_step"
    assert isinstance(model, LightningModule)


def test_hooks_that_are_left_out_are_not_called() -> None:
    called = []

    class Whole(Callback):
        def on_train_batch_start(self, *_: object) -> None:
            called.append((type(self), "start"))

        def on_train_batch_end(self, *_: object) -> None:
            called.append((type(self), "end"))

    @without_hooks("on_train_batch_start")
    class Part(Whole):
        pass

    quiet_trainer(callbacks=[Whole(), Part()]).fit(zoo.create_model("slp"), batches(count=1))
    assert called == [(Whole, "start"), (Whole, "end"), (Part, "end")]


def test_the_trainer_of_a_module_is_none_before_it_has_one() -> None:
    model, trainer = zoo.create_model("slp"), quiet_trainer()
    assert trainer_of(model) is None
    trainer.fit(model, batches(count=1))
    assert trainer_of(model) is trainer


def test_a_name_in_a_checkpoint_that_would_replace_a_method_is_known() -> None:
    assert is_progress_method("reset")
    assert not is_progress_method("a_count_of_a_newer_version")
