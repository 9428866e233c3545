"""A training step on fake CUDA tensors, which have a shape and a device but no values, and so need no GPU.

They show an operation that mixes tensors of the CPU and of the GPU. Gradients are not computed: torch's engine asks for
the real device, and the operations of the backward pass follow from those of the forward pass.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode  # torch has no public name for it

from zoo.datamodules.common import DataModule
from zoo.tasks import Task


def to_fake_cuda(model: Task) -> None:
    """Replace the parameters and buffers of a network; call it under FakeTensorMode."""
    for module in model.modules():
        for name, parameter in list(module.named_parameters(recurse=False)):
            setattr(module, name, nn.Parameter(like(parameter)))
        for name, buffer in list(module.named_buffers(recurse=False)):
            setattr(module, name, like(buffer))


def like(tensor: Tensor) -> Tensor:
    """Return a tensor of the same shape and type on the first GPU."""
    return torch.empty(tensor.shape, dtype=tensor.dtype, device="cuda")


def run_steps(model: Task, data: DataModule) -> set[str]:
    """Run a training, a validation and a prediction step, and an update, and return the devices of their results.

    Raises:
        RuntimeError: An operation mixes devices.
    """
    x, y = data.splits["train"].batch(list(range(4)))
    with torch.backends.cudnn.flags(enabled=False), FakeTensorMode(allow_non_fake_inputs=True):
        to_fake_cuda(model)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        inputs = data.scale(like(x))
        if data.augment:
            inputs = data.augment_batch(inputs, torch.rand(len(x), 4).to("cuda"))
        batch = (inputs, like(y))
        loss = model.training_step(batch, 0)
        for parameter in model.parameters():
            parameter.grad = torch.empty_like(parameter)
        optimizer.step()
        model.validation_step(batch, 0)
        model.update_metrics("val/", loss.detach().expand(len(x)), model(inputs).detach(), batch[1])
        results = [loss, model.predict_step(batch, 0), *model.split_metrics["val/"].compute().values()]
        return {result.device.type for result in results}
