"""What the answer of a network hangs on: how much each part of an input adds to it."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from zoo.errors import ZooError
from zoo.tasks.task import Task

POINTS = 8
"""Points of a part of the path from the baseline to the input, by Gauss and Legendre."""

NARROWEST = 2**-16
"""A part that is not halved: where the score of a recurrent network jumps, no number of parts is enough."""

EXACT = 1e-3
"""Error of the sum that is accepted, relative to the difference of the scores if that is above 1."""

CHUNK = 16


@dataclass(frozen=True)
class Attribution:
    """How much each number of an input adds to the score of an answer.

    The score is the network's output before a sigmoid; of networks without one, the output itself: a logit, a
    log-probability, or a value.

    Attributes:
        score: The score of the input.
        baseline: The score of the input that it is compared with.
        gradient: Gradient times the difference of the inputs, with the shape of the input; of a text, ``(words,)``.
        integrated: Integrated gradients, of the same shape. Their sum is ``score - baseline``, except for networks
            whose score jumps between the two, as recurrent ones can.
    """

    score: float
    baseline: float
    gradient: Tensor
    integrated: Tensor

    @property
    def is_complete(self) -> bool:
        """Whether the integrated gradients add up to the difference of the scores."""
        whole = self.score - self.baseline
        return abs(float(self.integrated.sum()) - whole) <= EXACT * max(1.0, abs(whole))


def attribute(model: Task, x: Tensor, output: int, start: float = 0.0) -> Attribution:
    """Attribute one output of a network to its input.

    Sources: Shrikumar et al., "Not Just a Black Box: Learning Important Features Through Propagating Activation
    Differences", for gradient times input; Sundararajan et al., "Axiomatic Attribution for Deep Networks".

    Args:
        model: The network.
        x: One input, without a batch dimension.
        output: Index of the output.
        start: The numbers of the input that it is compared with; of texts, it is one without words.

    Raises:
        ZooError: The network takes texts, and has not one embedding; or a score is not finite.
    """
    network = copy.deepcopy(model).cpu().double().eval()
    x = x.cpu().double() if x.is_floating_point() else x.cpu()
    along = partial(_along_path, network, x, start, output)
    (baseline, score), ends = along(torch.tensor([0.0, 1.0], dtype=torch.double))
    whole = float(score - baseline)
    if not math.isfinite(whole):
        raise ZooError(f"{type(model).__name__} has no finite score for this input, or for an empty one")
    allowed = 0.9 * EXACT * max(1.0, abs(whole))  # the result is rounded
    nodes, weights = (torch.from_numpy(values) / 2 for values in np.polynomial.legendre.leggauss(POINTS))

    def integrate(ends: list[tuple[float, float]]) -> list[_Part]:
        low, high = (torch.tensor(values, dtype=torch.double)[:, None] for values in zip(*ends, strict=True))
        scores, _ = along(torch.cat([low, high]).flatten())
        _, found = along((low + (nodes + 0.5) * (high - low)).flatten())
        found = found.unflatten(0, (len(ends), POINTS)).movedim(1, -1) @ weights
        rises = (scores[len(ends) :] - scores[: len(ends)]).tolist()
        sums = [values * (b - a) for values, (a, b) in zip(found, ends, strict=True)]
        errors = [float(values.sum()) - rise for values, rise in zip(sums, rises, strict=True)]
        return [_Part(a, b, *rest) for (a, b), *rest in zip(ends, sums, errors, strict=True)]

    parts = integrate([(0.0, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 1.0)])
    while abs(sum(part.error for part in parts)) > allowed:
        wide = [part for part in parts if part.high - part.low > NARROWEST]
        poor = [part for part in wide if abs(part.error) > allowed / (2 * len(parts))]
        if not poor:
            break
        halves = [half for p in poor for half in ((p.low, (p.low + p.high) / 2), ((p.low + p.high) / 2, p.high))]
        parts = [part for part in parts if part not in poor] + integrate(halves)
    integrated = torch.stack([part.integral for part in parts]).sum(0)
    return Attribution(float(score), float(baseline), ends[1].float(), integrated.float())


@dataclass(frozen=True, eq=False)
class _Part:
    """A part of the path: the integral of gradient times input, and how far its sum is from the rise of the score."""

    low: float
    high: float
    integral: Tensor
    error: float


def _along_path(model: Task, x: Tensor, start: float, output: int, scales: Tensor) -> tuple[Tensor, Tensor]:
    """Return the scores of scaled inputs, shape ``(scales,)``, and their gradients times the input.

    Of texts, the embedded words are scaled, and the gradients times them are summed for each word.
    """
    found = [_scores_and_gradients(model, x, start, output, part) for part in scales.split(CHUNK)]
    scores, gradients = (torch.cat(values) for values in zip(*found, strict=True))
    return scores, gradients


def _scores_and_gradients(model: Task, x: Tensor, start: float, output: int, scales: Tensor) -> tuple[Tensor, Tensor]:
    batch = x.expand(len(scales), *x.shape)
    if x.is_floating_point():
        scaled = (start + (batch - start) * scales.view(-1, *[1] * x.dim())).requires_grad_()
        score = _score(model, model(scaled))[:, output]
        (gradient,) = torch.autograd.grad(score.sum(), scaled)
        return score.detach(), gradient * (x - start)
    with _scaled_words(model, scales) as embedded:
        score = _score(model, model(batch))[:, output]
        ((words, scaled_words),) = embedded
        (gradient,) = torch.autograd.grad(score.sum(), scaled_words)
    return score.detach(), (gradient * words.detach()).sum(-1)


@contextmanager
def _scaled_words(model: Task, scales: Tensor) -> Iterator[list[tuple[Tensor, Tensor]]]:
    """Scale what the embedding of a network returns; keep it with what it is scaled to."""
    embeddings = [module for module in model.modules() if isinstance(module, nn.Embedding)]
    if len(embeddings) != 1:
        raise ZooError(f"{type(model).__name__} has {len(embeddings)} embeddings of words, expected one, to explain")
    seen: list[tuple[Tensor, Tensor]] = []

    def scale(module: nn.Module, args: tuple[Tensor, ...], words: Tensor) -> Tensor:
        scaled = (words.detach() * scales[:, None, None]).requires_grad_()
        seen.append((words, scaled))
        return scaled

    hook = embeddings[0].register_forward_hook(scale)
    try:
        yield seen
    finally:
        hook.remove()


def _score(model: Task, output: Tensor) -> Tensor:
    return output.logit(eps=1e-15) if model.output == "sigmoid" else output
