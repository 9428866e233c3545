"""What a run prints before it starts."""

from __future__ import annotations

from lightning.pytorch.utilities import rank_zero_only

from zoo.reports.evaluation import format_sizes
from zoo.support.console import echo, listed
from zoo.training.plan import Plan
from zoo.training.run import Run


@rank_zero_only
def announce(run: Run) -> None:
    """Print one line about the run, and one about the targets if only the data tells what they are."""
    trainer = run.trainer
    ranks = f"{trainer.world_size} × " if trainer.world_size > 1 else ""
    device = f"{ranks}{trainer.strategy.root_device.type}"
    limit = "no limit of" if trainer.max_epochs in (None, -1) else trainer.max_epochs
    epochs = f"{limit} {'epoch' if limit == 1 else 'epochs'}"
    parts = [
        f"{run.plan.model}, {run.parameters:,} parameters",
        f"{run.plan.data} ({format_sizes(run.data)})",
        *_start(run.plan),
        device,
        epochs,
    ]
    echo(" · ".join([*parts, str(run.folder)]), flush=True)
    if run.data.targets:  # only the data tells which
        classes = run.data.classes
        echo(f"targets: {len(classes)} classes, {listed(classes)}" if classes else "targets: numbers", flush=True)


def _start(plan: Plan) -> list[str]:
    """Return what to say of the weights that a run started from."""
    if not plan.origin:
        return []
    frozen = ""
    if plan.frozen:
        at = plan.unfreeze_at
        frozen = ", backbone frozen" + (f" for {at} {'epoch' if at == 1 else 'epochs'}" if at else "")
    return [f"from weights {plan.origin.get('name') or plan.origin.get('file')}{frozen}"]
