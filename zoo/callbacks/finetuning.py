"""Training of the head of a network alone, and later of the whole network."""

from __future__ import annotations

from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import BaseFinetuning
from torch.nn import Module, Parameter
from torch.optim import Optimizer

from zoo.errors import ZooError
from zoo.internals.lightning import wrap_again


class FrozenBackbone(BaseFinetuning):
    """Freezes all layers of a network but its head, for the whole training or for its first epochs.

    The optimizer holds all parameters from the start, and skips those that are frozen, as they have no gradient.
    Lightning's own subclasses add parameters to it when they unfreeze them, and a resumed run would end with other
    weights. Here the epoch alone decides what is frozen, and the callback has no state.

    Layers that keep running statistics, such as batch normalization, are frozen in evaluation mode. Dropout stays on.

    Args:
        unfreeze_at: Number of epochs after which all layers train. Default: the backbone stays frozen.
    """

    def __init__(self, unfreeze_at: int | None = None) -> None:
        super().__init__()
        self.unfreeze_at = unfreeze_at
        self.parameters: list[Parameter] = []
        self.normalizing: list[Module] = []

    def state_dict(self) -> dict[str, Any]:
        """Return nothing: there is nothing to restore."""
        return {}

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Freeze the backbone before a training."""
        if stage == "fit":
            super().setup(trainer, pl_module, stage)

    def freeze_before_training(self, pl_module: LightningModule) -> None:
        """Freeze all layers but the head. Raises ZooError for a network that names none."""
        name = getattr(pl_module, "head", None)
        if not isinstance(name, str):
            raise ZooError(f"{type(pl_module).__name__} names no head that could train alone; see zoo.tasks.Task.head")
        head = pl_module.get_submodule(name)
        own_parameters, own_layers = set(head.parameters()), set(head.modules())
        self.parameters = [p for p in pl_module.parameters() if p.requires_grad and p not in own_parameters]
        for parameter in self.parameters:
            parameter.requires_grad = False
        layers = [layer for layer in pl_module.modules() if layer not in own_layers]
        self.normalizing = [one for one in layers if one.training and getattr(one, "track_running_stats", False)]
        for layer in self.normalizing:
            layer.eval()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Unfreeze the backbone of a run that was resumed in an epoch, which Lightning does not start again."""
        self.on_train_epoch_start(trainer, pl_module)

    def finetune_function(self, pl_module: LightningModule, epoch: int, optimizer: Optimizer) -> None:
        """Unfreeze the backbone if it is time to."""
        if self.unfreeze_at is None or epoch < self.unfreeze_at or not self.parameters:
            return
        for parameter in self.parameters:
            parameter.requires_grad = True
        for layer in self.normalizing:
            layer.train()
        self.parameters, self.normalizing = [], []
        wrap_again(pl_module.trainer)
