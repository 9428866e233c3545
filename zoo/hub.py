"""Networks on the Hugging Face Hub. Public name of :mod:`zoo.sharing.hub`."""

from zoo.sharing.hub import from_pretrained, push_to_hub, save_pretrained

__all__ = ["from_pretrained", "push_to_hub", "save_pretrained"]
