"""Helpers of recurrent networks: images as sequences, and the ends of sequences."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence


def images_to_sequences(x: Tensor) -> Tensor:
    """Convert images ``(batch, channels, rows, columns)`` to one step per row, ``(batch, rows, channels * columns)``.

    Sequences ``(batch, steps, features)`` are returned unchanged.
    """
    return x.transpose(1, 2).flatten(2) if x.dim() == 4 else x


def last_valid_step(output: Tensor, lengths: Tensor | None) -> Tensor:
    """Return the output at the last valid step, shape ``(batch, features)``.

    Args:
        output: Output of a recurrent network, shape ``(batch, steps, features)``.
        lengths: Number of valid steps of each sequence, shape ``(batch,)``. Default: all steps.
    """
    if lengths is None:
        return output[:, -1]
    return output[torch.arange(len(output), device=output.device), lengths.to(output.device) - 1]


def final_states(lstm: nn.LSTM, x: Tensor, lengths: Tensor) -> Tensor:
    """Return the two final hidden states of the last layer of a bidirectional LSTM, ``(batch, 2 * hidden_size)``.

    Padding has no effect: they are the states with which the packed sequences would end. On CUDA the sequences are
    packed. Elsewhere packing takes six times as long, since torch then has no fused LSTM, and it cannot be exported:
    there, each sequence is reversed within its length for the way back, and the states are read at its end.

    Args:
        lstm: A bidirectional LSTM with ``batch_first``.
        x: Sequences, shape ``(batch, steps, features)``.
        lengths: Number of valid steps of each sequence, shape ``(batch,)``.
    """
    exporting = torch.compiler.is_exporting()  # which must not ask for the size of a batch
    if not exporting and not len(x):
        return x.new_zeros(0, 2 * lstm.hidden_size)
    if not exporting and x.is_cuda:
        packed = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
        _, (hidden, _) = lstm(packed)
        return torch.cat([hidden[-2], hidden[-1]], dim=1)
    end = lengths[:, None, None] - 1
    steps = torch.arange(x.shape[1], device=x.device)[None, :, None]
    reversed_steps = torch.where(steps <= end, end - steps, steps)
    start = x.new_zeros(1, x.shape[0], lstm.hidden_size)
    output: list[Tensor] = []
    for layer in range(lstm.num_layers):
        if layer:
            forth, back = output
            x = torch.cat([forth, back.gather(1, reversed_steps.expand_as(back))], dim=2)
            x = F.dropout(x, lstm.dropout, lstm.training)
        output = []
        for suffix in ("", "_reverse"):
            parts = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            weights = [getattr(lstm, f"{part}_l{layer}{suffix}") for part in parts]
            read = x.gather(1, reversed_steps.expand(-1, -1, x.shape[2])) if suffix else x
            output.append(torch.lstm(read, (start, start), weights, True, 1, 0.0, lstm.training, False, True)[0])
    return torch.cat([states.gather(1, end.expand(-1, 1, lstm.hidden_size))[:, 0] for states in output], dim=1)
