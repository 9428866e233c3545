"""An LSTM cell, stepped by hand."""

from __future__ import annotations

from typing import Unpack

import torch
from torch import Tensor, nn

from zoo.models.layers.sequences import images_to_sequences, last_valid_step
from zoo.tasks import Classifier, ClassifierOptions, LossName


class LSTMCell(Classifier):
    """LSTM cell, stepped by hand over the rows of an image.

    Source: "PyTorch Neural Networks", "LSTM Cell".

    Input: ``(batch, steps, input_size)``, or images ``(batch, channels, rows, columns)``, read row by row; floats in 0
    to 1.
    Output: ``(batch, num_classes)``, logits.

    Differs from the document: the batch dimension is first, and the initial state is zero. The document does not train
    the network; the zoo adds a linear head, and uses cross-entropy, Adam with learning rate 1e-3, batches of 64, and 4
    epochs on the rows of MNIST.

    Args:
        input_size: Number of features of a step.
        hidden_dim: Number of features of the hidden state.
        num_classes: Number of classes; 0 for the features alone.
        loss: Name of the loss.
        optimizer: Name of a class of torch.optim.
        lr: Learning rate.
        **options: See :class:`zoo.tasks.ClassifierOptions`.
    """

    output = "logits"
    head = "fc"

    def __init__(
        self,
        input_size: int = 28,
        hidden_dim: int = 128,
        num_classes: int = 10,
        *,
        loss: LossName = "cross_entropy",
        optimizer: str = "Adam",
        lr: float = 1e-3,
        **options: Unpack[ClassifierOptions],
    ) -> None:
        super().__init__(num_classes, loss=loss, optimizer=optimizer, lr=lr, **options)
        self.rnn = nn.LSTMCell(input_size, hidden_dim)
        self.fc = self.new_head(hidden_dim)
        self.example_input_array = torch.zeros(1, 28, input_size)

    def features(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Map ``(batch, steps, input_size)``, of which ``lengths`` steps are valid, to the last valid state."""
        output, state = [], None
        for step in images_to_sequences(x).unbind(1):
            state = self.rnn(step, state)
            output.append(state[0])
        return last_valid_step(torch.stack(output, dim=1), lengths)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Map ``(batch, steps, input_size)``, of which ``lengths`` steps are valid, to ``(batch, num_classes)``."""
        x = self.features(x, lengths)
        return self.fc(x) if self.fc else x
