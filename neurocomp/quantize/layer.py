"""One layer on calibration data: how far its drive in whole levels is from the float network's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from neurocomp.arrays import Array
from neurocomp.quantize.inputs import Block, Inputs, inputs, linear, stored
from neurocomp.snn.network import Network, Population
from neurocomp.snn.pairs import driving
from neurocomp.snn.synapses import Conv, Dense, Sparse

Linear = Conv | Dense | Sparse
Rates = Mapping[str, Array]  # source -> (samples, channels, rows, columns)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Layer:
    """What leads into a population, and what that should add up to on the calibration samples."""

    maps: tuple[Linear, ...]  # of the projections, in the float network
    inputs: Inputs  # as the chip's sources give them
    singles: Mapping[int, Array]  # of single synapses: what their sources give, (samples, ...)
    wanted: Array  # (places, rows) the float network's drive by spikes


def layer(network: Network, population: Population, wanted: Rates, actual: Rates) -> Layer | None:
    """Gather what `population` gets; `wanted` are the float network's rates, `actual` the chip's.

    None where nothing regular leads into it.
    """
    into = driving(network, population.name)
    found = [linear(p) for p in into]
    maps = tuple(m for m in found if m is not None)
    asked, given = inputs(network, population, wanted), inputs(network, population, actual)
    if asked is None or given is None or len(maps) < len(into):
        return None
    lone = [n for n, m in enumerate(maps) if isinstance(m, Sparse)]
    return Layer(
        maps=maps,
        inputs=given,
        singles={n: actual[into[n].source] for n in lone},
        wanted=_drive(
            asked, {n: wanted[into[n].source] for n in lone}, maps, [m.weight for m in maps]
        ),
    )


def error(made: Layer, weights: Sequence[Array]) -> Array:
    """Give what the drive lacks, (places, rows), with `weights` in the place of the maps' own."""
    return made.wanted - _drive(made.inputs, made.singles, made.maps, weights)


def _drive(
    given: Inputs, singles: Mapping[int, Array], maps: Sequence[Linear], weights: Sequence[Array]
) -> Array:
    total = np.zeros((len(given.places[0]), given.rows))
    for b in given.blocks:
        total[:, b.rows] += b.inputs @ stored(weights[b.projection], b).T
    for n, rates in singles.items():
        total += _of_single(maps[n], weights[n], rates, given)
    return total


def _of_single(synapse: Linear, weight: Array, rates: Array, given: Inputs) -> Array:
    """Give what single synapses add, (places, rows)."""
    assert isinstance(synapse, Sparse)
    drive = np.stack(
        [np.bincount(synapse.post, weight * r.ravel()[synapse.pre], given.size) for r in rates]
    )
    sample, position = given.places
    if given.rows == given.shape[0]:
        return drive.reshape(len(drive), given.rows, -1)[sample, :, position]
    return drive[sample]


def losses(made: Layer, lacks: Array) -> Array:
    """Give each channel's mean squared error, (channels,), around the mean, which a bias adds."""
    each = lacks.var(axis=0)
    return np.bincount(made.inputs.channels, each, made.inputs.shape[0])


def adapted(made: Layer, levels: Sequence[Array], units: Sequence[Array], bits: int) -> list[Array]:
    """Give `levels`, whole numbers of `units` of each map's weights, changed where that helps.

    `units` broadcast to the weights. No channel's damped loss rises.
    """
    found = [np.array(q, dtype=np.int32) for q in levels]
    lacks = error(made, [q * u for q, u in zip(found, units, strict=True)])
    lacks -= lacks.mean(axis=0)
    for b in made.inputs.blocks:
        _adapt_block(made, b, lacks, found[b.projection], units[b.projection], bits)
    return found


def _adapt_block(
    made: Layer, b: Block, lacks: Array, levels: Array, units: Array, bits: int
) -> None:
    """Adapt one block of `levels` in place, and what the drive then lacks."""
    from neurocomp.quantize.adaptive import adapt  # late: numba takes a second to import

    x = b.inputs - b.inputs.mean(axis=0)
    weight = made.maps[b.projection].weight
    unit = stored(np.broadcast_to(units, weight.shape), b)[:, :1]
    start = stored(levels, b)
    gradient = (x.T @ lacks[:, b.rows]).T / len(x) / unit
    gram = x.T @ x / len(x)
    better = adapt(stored(weight, b) / unit, start, gradient, gram, bits)
    lacks[:, b.rows] -= x @ ((better - start) * unit).T
    start[:] = better
