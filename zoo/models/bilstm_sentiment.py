"""A bidirectional LSTM for sentiment analysis."""

from __future__ import annotations

from typing import Unpack

import torch
from torch import Tensor, nn

from zoo.models.layers.dropout import Dropout, WordDropout
from zoo.models.layers.sequences import final_states
from zoo.tasks import Classifier, ClassifierOptions, LossName


class BiLSTMSentiment(Classifier):
    """Bidirectional LSTM for text: embedding, LSTM, both final hidden states, dropout, a linear layer.

    Source: "PyTorch Neural Networks", "Example: Sentiment Analysis with Bidirectional LSTMs", which names the public
    tutorial on IMDB's reviews as its source and gives no listing.

    Input: ``(batch, words)``, integer token ids; 0 is padding at the end, and has no effect.
    Output: ``(batch, num_classes)``, logits.

    Differs from the document: it gives neither sizes nor training. The zoo uses cross-entropy, Adam with learning rate
    3e-3 and cosine annealing, gradients clipped to a norm of 1, batches of 64, and 8 epochs on the last 256 words, of
    which a fifth is dropped in training. The forget gates start open, with a bias of 1, so that the first epochs learn
    from more than the last words (Jozefowicz et al., "An Empirical Exploration of Recurrent Network Architectures").

    Args:
        vocab_size: Number of tokens, including padding.
        embedding_dim: Number of features of a token.
        hidden_dim: Number of features of the hidden state in each direction.
        num_classes: Number of classes; 0 for the features alone.
        num_layers: Number of recurrent layers.
        dropout: Dropout probability before the linear layer and between layers.
        word_dropout: Probability of a word to be replaced by the unknown one, in training.
        loss: Name of the loss.
        optimizer: Name of a class of torch.optim.
        lr: Learning rate.
        **options: See :class:`zoo.tasks.ClassifierOptions`.
    """

    output = "logits"
    head = "fc"
    takes = "text"

    def __init__(
        self,
        vocab_size: int = 10_000,
        embedding_dim: int = 32,
        hidden_dim: int = 64,
        num_classes: int = 2,
        num_layers: int = 1,
        dropout: float = 0.5,
        word_dropout: float = 0.0,
        *,
        loss: LossName = "cross_entropy",
        optimizer: str = "Adam",
        lr: float = 3e-3,
        **options: Unpack[ClassifierOptions],
    ) -> None:
        super().__init__(num_classes, loss=loss, optimizer=optimizer, lr=lr, **options)
        self.embedding = nn.Embedding(vocab_size, embedding_dim, padding_idx=0)
        self.lstm = nn.LSTM(
            embedding_dim,
            hidden_dim,
            num_layers,
            batch_first=True,
            bidirectional=True,
            dropout=dropout if num_layers > 1 else 0.0,
        )
        for name, bias in self.lstm.named_parameters():
            if name.startswith("bias_ih"):  # of the input, forget, cell and output gates
                nn.init.ones_(bias.data[hidden_dim : 2 * hidden_dim])
        self.fc = self.new_head(2 * hidden_dim)
        self.dropout, self.word_dropout = Dropout(dropout), WordDropout(word_dropout)
        self.example_input_array = torch.ones(1, 8, dtype=torch.int64)

    def features(self, x: Tensor) -> Tensor:
        """Map token ids ``(batch, words)`` to both final hidden states ``(batch, 2 * hidden_dim)``."""
        lengths = (x != 0).sum(1).clamp(min=1)
        return final_states(self.lstm, self.embedding(x), lengths)

    def forward(self, x: Tensor) -> Tensor:
        """Map token ids ``(batch, words)`` to ``(batch, num_classes)``."""
        x = self.dropout(self.features(self.word_dropout(x)))
        return self.fc(x) if self.fc else x
