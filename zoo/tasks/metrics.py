"""What is measured while a network learns: a set of metrics for each split, exact at the least cost."""

from __future__ import annotations

from typing import Any, Literal, cast, get_args

import torch
from torch import Tensor
from torchmetrics import MeanMetric, Metric, MetricCollection, SumMetric

from zoo.internals.lightning import FastHooks, ends_epoch, is_last_batch, trainer_of
from zoo.internals.torchmetrics import restore_state
from zoo.support.ranks import rank_and_ranks

SplitPrefix = Literal["train/", "val/", "test/"]

BATCHES_PER_UPDATE = 32
"""Batches whose metrics are updated together: one by one, it would take a tenth of an epoch of a small network."""


class MetricsModule(FastHooks):
    """Metrics for each of train, val and test.

    They are updated in each step and computed once, at the epoch's end: exact for uneven batches and on any number of
    ranks.

    Args:
        metrics: What is measured beside the loss, by name.
        summed: Whether the loss is summed over all examples of a split, rather than averaged.
    """

    def __init__(self, metrics: dict[str, Metric], summed: bool) -> None:
        super().__init__()
        self.summed = summed
        total = SumMetric(nan_strategy="disable") if summed else MeanMetric(nan_strategy="disable")
        measured = MetricCollection({"loss": total, **metrics}, compute_groups=False)
        self.cut_short_state: dict[str, Any] = {}
        # In a plain dictionary, which torch does not look into: a network consists of its layers.
        self.split_metrics: dict[str, Metric | MetricCollection] = {
            split: measured.clone(split) for split in get_args(SplitPrefix)
        }
        self.pending: dict[SplitPrefix, list[tuple[Tensor, Tensor, Tensor]]] = {s: [] for s in get_args(SplitPrefix)}
        self.logged = False

    def record(self, split: SplitPrefix, loss: Tensor, output: Tensor, target: Tensor) -> None:
        """Note what came of a batch: its loss, a scalar, what ``forward`` put out, and the targets."""
        batches = self.pending[split]
        batches.append((loss.detach(), output.detach(), target))
        if len(batches) == BATCHES_PER_UPDATE:
            self._flush(split)

    def metric_names(self, split: SplitPrefix) -> list[str]:
        """Return the names of a split's metrics, such as ``val/loss``."""
        return [f"{split}{name}" for name in self._metrics(split).keys(keep_base=True)]  # it has prefixes

    def predicted(self, output: Tensor) -> Tensor:
        """Turn what ``forward`` puts out into what a user asks for: probabilities, or values, of the same shape."""
        return output

    def update_metrics(self, split: SplitPrefix, losses: Tensor, outputs: Tensor, targets: Tensor) -> None:
        """Update a split's metrics with some batches at once.

        Args:
            split: Prefix of the split.
            losses: For each example its share in the loss of its batch, shape ``(examples,)``.
            outputs: What ``forward`` put out, shape ``(examples, ...)``.
            targets: The targets, shape ``(examples, ...)``.
        """
        self._metrics(split).to(losses.device).update(value=losses, preds=self.predicted(outputs), target=targets)

    def _metrics(self, split: SplitPrefix) -> MetricCollection:
        return cast(MetricCollection, self.split_metrics[split])

    def _flush(self, split: SplitPrefix) -> None:
        batches = self.pending[split]
        if batches:
            losses = torch.cat([(loss / len(t) if self.summed else loss).expand(len(t)) for loss, _, t in batches])
            self.update_metrics(split, losses, torch.cat([b[1] for b in batches]), torch.cat([b[2] for b in batches]))
            batches.clear()

    def _log(self, split: SplitPrefix) -> None:
        self._flush(split)
        metrics = self._metrics(split).to(self.device)  # a rank that saw nothing has moved none
        metrics.compute()  # on all ranks now, whichever of them looks at a metric first
        for name, metric in metrics.items():  # given whole metrics rather than numbers, Lightning resets them
            self.log(name, metric, on_step=False, on_epoch=True, prog_bar=split != "test/", metric_attribute=name)

    def _forget(self, split: SplitPrefix) -> None:
        """Drop what is left of an epoch that was interrupted."""
        self.pending[split].clear()
        self._metrics(split).reset()

    def _state(self) -> dict[str, Any]:
        """Return, on the CPU, what was measured of the epoch's training."""
        return {
            "counts": {
                name: {
                    count: value.cpu().clone()
                    for count, value in metric.metric_state.items()
                    if isinstance(value, Tensor)
                }
                for name, metric in self._metrics("train/").items()
            },
            "batches": [[value.cpu() for value in batch] for batch in self.pending["train/"]],
        }

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Save what each rank measured so far of the epoch's training, so that a resumed epoch is measured whole."""
        here = self.cut_short_state or self._state()
        everywhere: list[Any] = [here]
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            everywhere = [None] * torch.distributed.get_world_size()
            torch.distributed.all_gather_object(everywhere, here)
        checkpoint["measured"] = everywhere

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take up what was measured of an epoch's training, if there are as many ranks as then."""
        everywhere = checkpoint.get("measured", [])
        rank, ranks = rank_and_ranks(trainer_of(self))
        if len(everywhere) != ranks:
            return
        self.pending["train/"] = [tuple(batch) for batch in everywhere[rank]["batches"]]
        for name, metric in self._metrics("train/").items():
            restore_state(metric, everywhere[rank]["counts"].get(name, {}))

    def on_train_start(self) -> None:
        """Bring what a checkpoint held of an epoch's metrics to the device."""
        self.cut_short_state, self.logged = {}, False
        batches = self.pending["train/"]
        batches[:] = [(loss.to(self.device), out.to(self.device), y.to(self.device)) for loss, out, y in batches]

    def on_train_epoch_start(self) -> None:
        """Begin the epoch's metrics."""
        self.cut_short_state = {}
        self._forget("train/")
        self.logged = False

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Log the epoch's metrics after its last batch, so that callbacks see them at its end, being first."""
        if ends_epoch(self.trainer):
            self._end_epoch()

    def _end_epoch(self) -> None:
        if self.logged:
            return
        if not is_last_batch(self.trainer):
            self.cut_short_state = self._state()  # with which a longer run goes on
        self._log("train/")
        self.logged = True

    def on_validation_epoch_start(self) -> None:
        """Begin the validation set's metrics."""
        self._forget("val/")

    def on_test_epoch_start(self) -> None:
        """Begin the test set's metrics."""
        self._forget("test/")

    def on_train_epoch_end(self) -> None:
        """Log the epoch's metrics, if something stopped it before its last batch."""
        self._end_epoch()

    def on_validation_epoch_end(self) -> None:
        """Log the validation set's metrics."""
        self._log("val/")

    def on_test_epoch_end(self) -> None:
        """Log the test set's metrics."""
        self._log("test/")
