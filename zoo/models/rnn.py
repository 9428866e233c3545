"""A recurrent network over the rows of an image."""

from __future__ import annotations

from typing import Unpack

import torch
from torch import Tensor, nn

from zoo.models.layers.sequences import images_to_sequences, last_valid_step
from zoo.tasks import Classifier, ClassifierOptions, LossName


class RNN(Classifier):
    """Recurrent network over the rows of an image.

    Source: "PyTorch Neural Networks", "Vanilla RNN".

    Input: ``(batch, steps, input_size)``, or images ``(batch, channels, rows, columns)``, read row by row; floats in 0
    to 1.
    Output: ``(batch, num_classes)``, logits.

    Differs from the document: the third argument of ``nn.RNN`` in the listing is not the size of the output, but the
    number of layers. The document does not train the network. The zoo adds a linear head, and uses cross-entropy, Adam
    with learning rate 1e-3, batches of 64, and 5 epochs on the rows of MNIST.

    Args:
        input_size: Number of features of a step.
        hidden_dim: Number of features of the hidden state.
        num_classes: Number of classes; 0 for the features alone.
        num_layers: Number of recurrent layers.
        bidirectional: Whether to read in both directions.
        dropout: Dropout probability between layers.
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
        num_layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
        *,
        loss: LossName = "cross_entropy",
        optimizer: str = "Adam",
        lr: float = 1e-3,
        **options: Unpack[ClassifierOptions],
    ) -> None:
        super().__init__(num_classes, loss=loss, optimizer=optimizer, lr=lr, **options)
        self.rnn = nn.RNN(
            input_size, hidden_dim, num_layers, batch_first=True, dropout=dropout, bidirectional=bidirectional
        )
        self.fc = self.new_head(hidden_dim * (2 if bidirectional else 1))
        self.example_input_array = torch.zeros(1, 28, input_size)

    def features(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Map ``(batch, steps, input_size)``, of which ``lengths`` steps are valid, to the last valid state."""
        output, _ = self.rnn(images_to_sequences(x))
        return last_valid_step(output, lengths)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Map ``(batch, steps, input_size)``, of which ``lengths`` steps are valid, to ``(batch, num_classes)``."""
        x = self.features(x, lengths)
        return self.fc(x) if self.fc else x
