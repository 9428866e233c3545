"""Private names of other libraries: each is still there, and stands in one module of the zoo."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest
import torch
from conftest import REPOSITORY

SEEN = {"lightning": "2.6.6", "torch": "2.14.1", "torchmetrics": "1.9.0", "jsonargparse": "4.53.0"}
"""The versions on which the zoo was seen to work."""

LOOP = "lightning.pytorch.loops.training_epoch_loop:_TrainingEpochLoop"

FIT_LOOP = "lightning.pytorch:Trainer().fit_loop"

LOOPS = "torch.export._patches:register_lstm_while_loop_decomposition"

USED = [
    "lightning.pytorch:LightningModule()._current_fx_name",
    "lightning.pytorch:LightningModule()._trainer",
    "lightning.pytorch:Trainer()._data_connector._datahook_selector",
    "lightning.pytorch:Trainer().callbacks",
    "lightning.pytorch.callbacks:ModelCheckpoint()._every_n_train_steps",
    "lightning.pytorch.loops.fetchers:_DataFetcher.__next__",
    "lightning.pytorch.loops.loop:_Loop.restarting.fset",
    "lightning.pytorch.loops.progress:_ReadyCompletedTracker.reset_on_restart",
    "lightning.pytorch.loops.utilities:_block_parallel_sync_behavior",
    "lightning.pytorch.strategies:DDPStrategy()._model_averager",
    "lightning.pytorch.strategies:DDPStrategy()._model_averaging_period",
    "lightning.pytorch.strategies:DDPStrategy().configure_ddp",
    "lightning.pytorch.utilities:rank_zero_only.rank",
    f"{FIT_LOOP}._data_fetcher",
    f"{FIT_LOOP}.epoch_loop._batches_that_stepped",
    f"{FIT_LOOP}.epoch_loop._results",
    f"{FIT_LOOP}.epoch_loop._num_ready_batches_reached",
    f"{FIT_LOOP}.epoch_loop._should_accumulate",
    f"{FIT_LOOP}.epoch_loop._should_check_val_fx",
    f"{FIT_LOOP}.epoch_loop.batch_progress.is_last_batch",
    f"{FIT_LOOP}.epoch_loop.reset_restart_stage",
    f"{FIT_LOOP}.epoch_progress.increment_completed",
    f"{FIT_LOOP}.reset_restart_stage",
    f"{FIT_LOOP}.restarted_on_epoch_end",
    f"{LOOP}.advance",
    f"{LOOP}.on_run_start",
    f"{LOOP}.update_lr_schedulers",
    "lightning.pytorch.loops.optimization.automatic:_AutomaticOptimization.run",
    f"{FIT_LOOP}.epoch_loop.automatic_optimization.optim_progress.optimizer.zero_grad.increment_started",
    f"{FIT_LOOP}.epoch_loop.batch_progress.increment_started",
    "torch:_amp_foreach_non_finite_check_and_unscale_",
    "torch:_foreach_add_",
    "torch:_foreach_copy_",
    "torch:_inductor.compile",
    "torch:_inductor.config.patch",
    "torch.compiler:_is_compiling_flag",
    "torch:ops.aten.lstm.input._dispatch_cache.clear",
    LOOPS,
    "torch:ones(1)._backward_hooks",
    "torch:ones(1)._post_accumulate_grad_hooks",
    "torch.nn:Module()._backward_hooks",
    "torch.nn:Module()._backward_pre_hooks",
    "torch.nn:Module()._forward_hooks",
    "torch.nn:Module()._forward_pre_hooks",
    "torch.nn:Module()._modules",
    "torch.optim.optimizer:_global_optimizer_post_hooks",
    "torch.optim.optimizer:_global_optimizer_pre_hooks",
    "torch.optim:Optimizer.__annotations__['_optimizer_step_post_hooks']",
    "torch.optim:Optimizer.__annotations__['_optimizer_step_pre_hooks']",
    "torchmetrics:MeanMetric()._update_count",
    "torchmetrics:MeanMetric().metric_state",
    "jsonargparse:ArgumentParser()._actions",
    "jsonargparse:ArgumentParser().add_argument('--x', type=int | None)._typehint",
]
"""As ``module:expression``."""

NAME = r"\b_[a-zA-Z]\w*"
PRIVATE = {name: re.split(r"[.:]", path)[0] for path in USED for name in re.findall(NAME, path)}
"""The library of each private name."""


def where(library: str) -> str:
    return f"zoo/internals/{library}.py"


@pytest.mark.parametrize("path", USED)
def test_what_is_used_is_still_there(path: str) -> None:
    if path == LOOPS and torch.__version__ < (2, 11):
        pytest.skip("needs torch 2.11")
    library = re.split(r"[.:]", path)[0]
    version = importlib.import_module(library).__version__
    module, _, expression = path.partition(":")
    try:
        eval(f"module.{expression}", {"module": importlib.import_module(module)})
    except (AttributeError, ImportError) as error:
        thing = path.replace(":", ".")
        pytest.fail(f"{library} {version} has no {thing} ({error}); seen on {SEEN[library]}; see {where(library)}")


@pytest.mark.parametrize("path", ["torch:_nothing", "torch.nn:Module()._nothing", "torch._nothing:nothing"])
def test_what_is_gone_is_missed(path: str) -> None:
    told = r"torch 2.* has no torch.*_nothing.*; seen on 2.*; see zoo/internals/torch.py"
    with pytest.raises(pytest.fail.Exception, match=told):
        test_what_is_used_is_still_there(path)


def private(path: Path) -> tuple[set[str], set[str]]:
    """Return the private names that a module reaches for, and those among its strings."""
    reached, strings = set(), set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            reached.add(node.attr)
        elif isinstance(node, ast.ImportFrom):
            reached |= {alias.name for alias in node.names} | set((node.module or "").split("."))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            strings.add(node.value)
    reached, strings = ({name for name in names if re.fullmatch(NAME, name)} for names in (reached, strings))
    return reached, strings


def test_what_is_used_in_internals_is_in_the_table() -> None:
    for path in (REPOSITORY / "zoo" / "internals").glob("*.py"):
        assert set.union(*private(path)) <= set(PRIVATE), path.name


def test_what_is_in_the_table_is_reached_for_nowhere_else() -> None:
    for path in (REPOSITORY / "zoo").rglob("*.py"):
        here = path.relative_to(REPOSITORY).as_posix()
        reached, _ = private(path)
        assert not [name for name in reached & set(PRIVATE) if not here.startswith(f"zoo/internals/{PRIVATE[name]}")], (
            here
        )
