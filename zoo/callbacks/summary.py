"""Lightning's model summary, without columns that do not apply to networks of the zoo."""

from __future__ import annotations

import logging
from typing import Any

from lightning.pytorch.callbacks import ModelSummary

from zoo.support.tables import format_table

logger = logging.getLogger("lightning.pytorch.callbacks.model_summary")

LEFT_OUT = ("Mode", "FLOPs")
"""All layers are in training mode, and FLOPs of recurrent layers are not counted."""


class Summary(ModelSummary):
    """Shows the layers of a network, their parameters and their shapes before training."""

    @staticmethod
    def summarize(
        summary_data: list[tuple[str, list[str]]],
        total_parameters: int,
        trainable_parameters: int,
        model_size: float,
        total_training_modes: dict[str, int],
        total_flops: int,
        **summarize_kwargs: Any,
    ) -> None:
        """Log the table."""
        shown = {name: cells for name, cells in summary_data if name not in LEFT_OUT}
        table = format_table(list(shown), list(zip(*shown.values(), strict=True)))
        frozen = f", {total_parameters - trainable_parameters:,} of them frozen" * (
            trainable_parameters < total_parameters
        )
        logger.info("\n%s\n%s parameters%s, %.3f MB", table, f"{total_parameters:,}", frozen, model_size)
