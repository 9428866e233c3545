"""Metrics of training, validation and test, exact and cheap."""

from __future__ import annotations

from typing import Any, Literal, cast, get_args

import torch
from torch import Tensor
from torchmetrics import MeanMetric, Metric, MetricCollection, SumMetric

from zoo.internals.lightning import FastHooks, ends_epoch, is_last_batch, trainer_of
from zoo.internals.torchmetrics import restore_state
from zoo.support.ranks import gather, rank_and_ranks

SplitPrefix = Literal["train/", "val/", "test/"]

BATCHES_PER_UPDATE = 128
"""Batches per metric update. One update per batch would take a tenth of an epoch of a small network."""


class MetricsModule(FastHooks):
    """A module with metrics for each of train, val and test.

    Batches are recorded in each step and the metrics computed once, at the end of the epoch, so that they are exact for
    batches of any size and any number of ranks.

    Args:
        metrics: Metrics in addition to the loss, by name.
        summed: Whether the loss is the sum over all examples of a split, rather than the mean.
    """

    adjusts_loss = False
    """Whether what is minimized differs from the recorded loss by more than penalties."""

    def __init__(self, metrics: dict[str, Metric], summed: bool) -> None:
        super().__init__()
        self.summed = summed
        total = SumMetric(nan_strategy="disable") if summed else MeanMetric(nan_strategy="disable")
        measured = MetricCollection({"loss": total, **metrics}, compute_groups=False)
        self.cut_short_state: dict[str, Any] = {}
        # In a plain dictionary, so that torch does not register the metrics as layers of the network.
        self.split_metrics: dict[str, Metric | MetricCollection] = {
            split: measured.clone(split) for split in get_args(SplitPrefix)
        }
        self.pending: dict[SplitPrefix, list[tuple[Tensor, Tensor, Tensor]]] = {s: [] for s in get_args(SplitPrefix)}
        self.logged = False

    def record(self, split: SplitPrefix, loss: Tensor, output: Tensor, target: Tensor) -> None:
        """Record the loss (a scalar), the output and the targets of a batch."""
        batches = self.pending[split]
        batches.append((loss.detach(), output.detach(), target))
        if len(batches) == BATCHES_PER_UPDATE:
            self._flush(split)

    def objective(self, loss: Tensor, output: Tensor, target: Tensor) -> Tensor:
        """Return what is minimized, before penalties, given the recorded loss; called if ``adjusts_loss`` is set."""
        return loss

    def metric_names(self, split: SplitPrefix) -> list[str]:
        """Return the names of the metrics of a split, such as ``val/loss``."""
        return [f"{split}{name}" for name in self._metrics(split).keys(keep_base=True)]  # with prefixes

    def predicted(self, output: Tensor) -> Tensor:
        """Turn the output of ``forward`` into probabilities, or values, of the same shape."""
        return output

    def update_metrics(self, split: SplitPrefix, losses: Tensor, outputs: Tensor, targets: Tensor) -> None:
        """Update the metrics of a split with several batches.

        Args:
            split: Prefix of the split.
            losses: The share of each example in the loss of its batch, shape ``(examples,)``.
            outputs: Outputs of ``forward``, shape ``(examples, ...)``.
            targets: Targets, shape ``(examples, ...)``.
        """
        self._metrics(split).to(losses.device).update(value=losses, preds=self.predicted(outputs), target=targets)

    def _metrics(self, split: SplitPrefix) -> MetricCollection:
        return cast(MetricCollection, self.split_metrics[split])

    def _flush(self, split: SplitPrefix) -> None:
        batches = self.pending[split]
        if batches:
            losses, outputs, targets = zip(*batches, strict=True)
            shares, target = torch.stack(losses), torch.cat(targets)
            sizes = torch.tensor([len(part) for part in targets], device=shares.device)
            if self.summed:
                shares = shares / sizes
            examples = shares.repeat_interleave(sizes, output_size=len(target))  # else a GPU would be waited for
            self.update_metrics(split, examples, torch.cat(outputs), target)
            batches.clear()

    def _log(self, split: SplitPrefix) -> None:
        self._flush(split)
        metrics = self._metrics(split).to(self.device)  # not yet moved on a rank without batches
        metrics.compute()  # on all ranks at once, as it communicates
        for name, metric in metrics.items():  # Lightning resets metrics that are logged as such
            self.log(name, metric, on_step=False, on_epoch=True, prog_bar=split != "test/", metric_attribute=name)

    def _reset(self, split: SplitPrefix) -> None:
        """Discard the records of an interrupted epoch."""
        self.pending[split].clear()
        self._metrics(split).reset()

    def _state(self) -> dict[str, Any]:
        """Return the state of the training metrics, on the CPU."""
        return {
            "counts": {
                name: {
                    count: value.cpu().clone()
                    for count, value in metric.metric_state.items()
                    if isinstance(value, Tensor)
                }
                for name, metric in self._metrics("train/").items()
            },
            # Without the memory that a batch of targets shares with others.
            "batches": [[value.cpu().clone() for value in batch] for batch in self.pending["train/"]],
        }

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Save the state of the training metrics of all ranks, so that a resumed epoch is complete."""
        checkpoint["measured"] = gather(self.cut_short_state or self._state())

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Load the state of the training metrics, unless the number of ranks has changed."""
        everywhere = checkpoint.get("measured", [])
        rank, ranks = rank_and_ranks(trainer_of(self))
        if len(everywhere) != ranks:
            return
        self.pending["train/"] = [tuple(batch) for batch in everywhere[rank]["batches"]]
        for name, metric in self._metrics("train/").items():
            restore_state(metric, everywhere[rank]["counts"].get(name, {}))

    def on_train_start(self) -> None:
        """Move loaded batches to the device."""
        self.cut_short_state, self.logged = {}, False
        batches = self.pending["train/"]
        batches[:] = [(loss.to(self.device), out.to(self.device), y.to(self.device)) for loss, out, y in batches]

    def on_train_epoch_start(self) -> None:
        """Reset the training metrics."""
        self.cut_short_state = {}
        self._reset("train/")
        self.logged = False

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Log the training metrics after the last batch, before the callbacks' ``on_train_epoch_end``."""
        if ends_epoch(self.trainer):
            self._end_epoch()

    def _end_epoch(self) -> None:
        if self.logged:
            return
        if not is_last_batch(self.trainer):
            self.cut_short_state = self._state()  # a longer run continues from it
        self._log("train/")
        self.logged = True

    def on_validation_epoch_start(self) -> None:
        """Reset the validation metrics."""
        self._reset("val/")

    def on_test_epoch_start(self) -> None:
        """Reset the test metrics."""
        self._reset("test/")

    def on_train_epoch_end(self) -> None:
        """Log the training metrics, if the epoch was stopped before its last batch."""
        self._end_epoch()

    def on_validation_epoch_end(self) -> None:
        """Log the validation metrics."""
        self._log("val/")

    def on_test_epoch_end(self) -> None:
        """Log the test metrics."""
        self._log("test/")
