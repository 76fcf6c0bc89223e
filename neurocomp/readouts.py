"""Classes from the readout's membrane, step by step: computed on the host, the same everywhere.

Each takes the membranes after every step, (samples, steps, classes), and gives the class after
every step, (samples, steps). Source: Rueckauer et al. 2017, section 2.2.5, for the three softmax
layers; the authors' toolbox for their details.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from neurocomp.arrays import Array


class Readout(Protocol):
    """A rule that reads the class."""

    def __call__(self, v: Array, /) -> Array:
        """Give the class after each step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Membrane:
    """The class is the argmax of v: no spikes, no randomness. The default.

    Delayed, it leaves out what came before step `first`, when deep layers had not settled (Bu et
    al. 2025); up to then it reads what there is.
    """

    first: int = 1

    def __call__(self, v: Array, /) -> Array:
        """Give the class after each step."""
        early = v[:, : self.first - 1]
        before = v[:, self.first - 2 : self.first - 1] if self.first > 1 else 0.0
        return _largest(np.concatenate([early, v[:, self.first - 1 :] - before], axis=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftmaxSpikes:
    """Each class fires with the probability softmax(v); the class is the one that fired most."""

    seed: int = 0

    def __call__(self, v: Array, /) -> Array:
        """Give the class after each step."""
        drawn = np.random.Generator(np.random.PCG64(self.seed)).random(v.shape)
        return _largest(np.cumsum(drawn < softmax(v), axis=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockedSoftmax:
    """A Poisson clock ticks `rate` times a step; then the argmax of v fires, and v starts anew."""

    rate: float = 0.3
    seed: int = 0

    def __call__(self, v: Array, /) -> Array:
        """Give the class after each step."""
        random = np.random.Generator(np.random.PCG64(self.seed))
        ticks = random.random(v.shape[:2]) < self.rate
        counts, base = np.zeros_like(v), np.zeros_like(v[:, 0])
        for t in range(v.shape[1]):
            counts[:, t] = counts[:, t - 1] if t else 0
            ticked = np.flatnonzero(ticks[:, t])
            counts[ticked, t, np.argmax(v[ticked, t] - base[ticked], axis=-1)] += 1
            base[ticked] = v[ticked, t]
        return _largest(counts)


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyExit:
    """The argmax of v, kept from the first step at which its margin reaches `margin`.

    The margin is how far v leads the second class, over the step's number: in units of the trained
    network's output. Nothing after that step needs to be computed.
    """

    margin: float
    least: int = 1  # steps that are always run

    def __call__(self, v: Array, /) -> Array:
        """Give the class after each step."""
        stop = self.stops(v)[:, None]
        steps = np.minimum(np.arange(v.shape[1]), stop - 1)
        return np.take_along_axis(_largest(v), steps, axis=1)

    def stops(self, v: Array) -> Array:
        """Give the step, from 1, at which each sample stops, (samples,), or else the last."""
        ordered = np.sort(v, axis=-1)
        steps = np.arange(1, v.shape[1] + 1)
        sure = (ordered[..., -1] - ordered[..., -2] >= self.margin * steps) & (steps >= self.least)
        sure[:, -1] = True
        first: Array = np.argmax(sure, axis=1) + 1
        return first


def classes(outputs: Array) -> Array:
    """Give the class of each sample, (samples,), of a network's outputs, (samples, ...)."""
    return _largest(outputs.reshape(len(outputs), -1))


def _largest(v: Array) -> Array:
    """Give the class of the largest value, the first of equals."""
    classes: Array = np.argmax(v, axis=-1)
    return classes


def softmax(v: Array) -> Array:
    """Give the softmax over the last axis."""
    powers = np.exp(v - v.max(axis=-1, keepdims=True))
    shares: Array = powers / powers.sum(axis=-1, keepdims=True)
    return shares
