"""The zoo for ``torch.hub``: ``torch.hub.load(REPOSITORY, "slp", weights="mnist")``."""

from functools import partial

from zoo import create_model, list_models

dependencies = ["lightning", "safetensors", "torch", "torchmetrics", "torchvision"]


def _entry(name: str):
    build = partial(create_model, name)
    build.__doc__ = f"{name}: see `zoo describe {name}`. Takes `weights` and the arguments of the network's class."
    return build


globals().update({name: _entry(name) for name in list_models()})
