"""Fit a population's rounding to what it does on calibration samples."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np

from neurocomp.arrays import Array
from neurocomp.hw.target import Arithmetic
from neurocomp.quantize.layer import Layer, adapted, error, losses
from neurocomp.quantize.part import (
    ATTEMPTS,
    Part,
    exact_scale,
    fits_bias,
    lowered,
    reach,
    rounded,
    units,
)
from neurocomp.quantize.rounding import Rounding
from neurocomp.snn.network import Network, Population
from neurocomp.snn.pairs import other_half

LEAST = -6  # eighths of an octave that the scale is tried below the one where nothing is clipped
MOST = 12  # and above, and further on for as long as it does no harm to some channel
MOST_OF_FEW = 32  # and above, where weights have few bits: the best of one is their mean
FEW_BITS = 4
OCTAVE = 8  # eighths, after which scales that harm every channel end the search
HIGHEST = 16 * OCTAVE  # by which a state of 24 bits is wider than a weight of 8


class Task(NamedTuple):
    """A population to be rounded, and what it gets on the calibration samples."""

    network: Network
    population: Population
    widths: Arithmetic
    length: int
    each: bool  # channel has a scale of its own
    layer: Layer

    @property
    def pair(self) -> bool:
        """Say whether the population is a half of a pair."""
        return other_half(self.network, self.population.name) is not None


def refit(task: Task, nearest: Part, rounding: Rounding) -> Part:
    """Give the part, no worse than `nearest` on the calibration samples, that `rounding` finds."""
    if not nearest.projections:
        return nearest
    found = [nearest, *_with_bias(task, nearest)]
    scale = _best_scale(task, nearest)
    found += _settled(task, scale, nearest, lambda part: part)
    if rounding == "adaptive":
        found += _settled(task, scale, nearest, partial(_adapted, task))
    return min(found, key=lambda p: squared(task, p))


def _settled(
    task: Task, scale: Array, like: Part, refine: Callable[[Part], Part]
) -> Iterator[Part]:
    """Give the refined rounding at `scale`, or lower where the state needs that, and its bias."""
    shifts: Sequence[int] = [p.weight_exponent for p in like.projections]
    for _ in range(ATTEMPTS):
        exact = exact_scale(task.population, scale, task.widths, pair=task.pair)
        part = refine(rounded(task.network, task.population, task.widths, exact, shifts))
        most = reach(task.network, part, task.length, task.each)
        if (most <= task.widths.state_limit).all():
            yield part
            yield from _with_bias(task, part)
            return
        scale, shifts = lowered(scale, shifts, most, task.widths)


def squared(task: Task, part: Part) -> float:
    """Give the mean squared error of the drive that spikes and bias add, in float units."""
    lacks = _lacks(task, part)
    bias = task.population.bias - part.population.bias / part.scale
    return float(((lacks + _by_row(task, bias)) ** 2).mean(axis=0).sum())


def _by_row(task: Task, values: Array) -> Array:
    """Give each row's mean of `values`, which are shaped as the population's arrays."""
    given, channels = task.layer.inputs, task.population.shape[0]
    if given.rows == given.size and values.shape == given.shape:
        return values.ravel()
    means: Array = values.reshape(channels, -1).mean(axis=1)[given.channels]
    return means


def _lacks(task: Task, part: Part) -> Array:
    weights = [
        p.synapse.weight * units(p.synapse, part.scale, p.weight_exponent) for p in part.projections
    ]
    return error(task.layer, weights)


def _best_scale(task: Task, nearest: Part) -> Array:
    """Give the scale, of each channel or all, at which the nearest rounding errs least.

    Larger ones than that of `nearest` clip the largest weights. Where those belong to channels that
    hardly ever fire, a hundred times larger ones can be best: batch norm divides what did not vary
    in training by next to nothing.
    """
    shifts = [p.weight_exponent for p in nearest.projections]
    best, least = nearest.scale, _loss(task, nearest)
    most = MOST_OF_FEW if task.widths.weight_bits <= FEW_BITS else MOST
    eighths, kept = LEAST, 0
    while eighths <= min(max(most, kept + OCTAVE), HIGHEST):
        near = nearest.scale * 2 ** (eighths / 8)
        scale = exact_scale(task.population, near, task.widths, pair=task.pair)
        part = rounded(task.network, task.population, task.widths, scale, shifts)
        loss = _loss(task, part)
        kept = eighths if (loss <= least).any() else kept
        best = np.where(loss < least, scale, best)
        least = np.minimum(loss, least)
        eighths += 1
    return best


def _loss(task: Task, part: Part) -> Array:
    """Give the loss that each channel's scale is to answer for, shaped as the scale."""
    each = losses(task.layer, _lacks(task, part))
    loss = each if task.each else np.full_like(each, each.sum())
    return loss.reshape(part.scale.shape)


def _adapted(task: Task, part: Part) -> Part:
    levels = adapted(
        task.layer,
        [p.synapse.weight for p in part.projections],
        [units(p.synapse, part.scale, p.weight_exponent) for p in part.projections],
        task.widths.weight_bits,
    )
    shifts = [p.weight_exponent for p in part.projections]
    return rounded(task.network, task.population, task.widths, part.scale, shifts, levels)


def _with_bias(task: Task, part: Part) -> Iterator[Part]:
    """Give the part with the mean error of each row added to its bias, where it still fits."""
    population, given = task.population, task.layer.inputs
    means = _lacks(task, part).mean(axis=0)
    if given.rows == given.size and population.bias.shape == given.shape:
        more = means.reshape(given.shape)
    else:
        each = np.bincount(given.channels, means) / np.bincount(given.channels)
        more = each.reshape(-1, *(1,) * (population.bias.ndim - 1))
    other = replace(population, bias=population.bias + more)
    shifts = [p.weight_exponent for p in part.projections]
    levels = [p.synapse.weight for p in part.projections]
    made = rounded(task.network, other, task.widths, part.scale, shifts, levels)
    if (
        fits_bias(task.network, other, made, task.widths)
        and (reach(task.network, made, task.length, task.each) <= task.widths.state_limit).all()
    ):
        yield made
