"""What leads into a population as one linear map: rows of weights, and the inputs they get.

Inputs are the rates that the sources had on the calibration samples. A row is a channel, seen at
some of its places, or a neuron, where each has weights of its own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from neurocomp.arrays import Array, Shape
from neurocomp.snn.network import Network, Population, Projection
from neurocomp.snn.pairs import driving
from neurocomp.snn.synapses import Conv, Dense, Pooled, Sparse

MOST_PLACES = 4096  # of one channel, over all samples
MOST_COLUMNS = 4096  # whose second moment is held at once
GOLDEN = (5**0.5 - 1) / 2  # multiples of it are spread evenly, whatever the rows and columns


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Block:
    """Rows of one projection's weights, as (rows of all, columns), and what they get."""

    projection: int  # its place among those into the population
    rows: slice
    columns: slice  # of the weights, flat within a row
    inputs: Array  # (places, columns)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Inputs:
    """All blocks of a population, and where its channels are seen."""

    rows: int
    channels: Array  # (rows,) the channel of each row
    places: tuple[Array, Array]  # (places,) sample, and flat position in a channel; or sample alone
    shape: Shape  # (channels, rows, columns) of the drive before any pooling window
    blocks: tuple[Block, ...]

    @property
    def size(self) -> int:
        """Count the neurons that get the drive, before any pooling window."""
        return prod(self.shape)


def linear(projection: Projection) -> Conv | Dense | Sparse | None:
    """Give the linear synapse of a projection, the inner one of pooled drive; None for a gate's."""
    synapse = projection.synapse
    inner = synapse.inner if isinstance(synapse, Pooled) else synapse
    return inner if isinstance(inner, Conv | Dense | Sparse) else None


def inputs(network: Network, population: Population, rates: Mapping[str, Array]) -> Inputs | None:
    """Gather what `population` gets at `rates`, source -> (samples, channels, rows, columns).

    None where nothing regular leads into it: single synapses are rounded one by one.
    """
    into = driving(network, population.name)
    maps = [linear(p) for p in into]
    regular = [m for m in maps if isinstance(m, Conv | Dense)]
    if not regular or len({m.post_shape for m in regular}) > 1:
        return None
    shape = regular[0].post_shape
    each = all(isinstance(m, Dense) for m in regular)  # a neuron a row
    if not each and any(isinstance(m, Dense) for m in regular) and prod(shape[1:]) > 1:
        return None
    area = prod(shape[1:])
    samples = len(next(iter(rates.values())))
    sample, position = _places(samples, 1 if each else area)
    found: list[Block] = []
    for place, (m, p) in enumerate(zip(maps, into, strict=True)):
        if isinstance(m, Conv):
            found += _conv_blocks(m, place, rates[p.source], sample, position)
        elif isinstance(m, Dense):
            flat = rates[p.source].reshape(samples, -1)[sample]
            found += _blocks(place, slice(0, len(m.weight)), flat)
    return Inputs(
        rows=shape[0] * area if each else shape[0],
        channels=np.repeat(np.arange(shape[0]), area if each else 1),
        places=(sample, position),
        shape=shape,
        blocks=tuple(found),
    )


def _places(samples: int, area: int) -> tuple[Array, Array]:
    """Choose places, spread evenly over all samples and positions; all, where they are few."""
    total = samples * area
    if total <= MOST_PLACES:
        return np.divmod(np.arange(total), area)
    chosen = np.unique((np.arange(1, MOST_PLACES + 1) * GOLDEN % 1 * total).astype(np.int64))
    return np.divmod(chosen, area)


def _conv_blocks(
    conv: Conv, place: int, rates: Array, sample: Array, position: Array
) -> Iterator[Block]:
    views = conv.windows.view(rates)
    y, x = np.divmod(position, conv.post_shape[2])
    outs, ins = conv.weight.shape[0] // conv.groups, conv.weight.shape[1]
    for g in range(conv.groups):
        taps = views[sample, g * ins : (g + 1) * ins, y, x]
        rows = slice(g * outs, (g + 1) * outs)
        yield from _blocks(place, rows, taps.reshape(len(sample), -1))


def _blocks(place: int, rows: slice, flat: Array) -> Iterator[Block]:
    for start in range(0, flat.shape[1], MOST_COLUMNS):
        columns = slice(start, min(start + MOST_COLUMNS, flat.shape[1]))
        part = np.ascontiguousarray(flat[:, columns], dtype=np.float64)
        yield Block(projection=place, rows=rows, columns=columns, inputs=part)


def stored(weight: Array, block: Block) -> Array:
    """Give the block of a regular map's weights, (rows, columns), as a view."""
    view: Array = weight.reshape(len(weight), -1)[block.rows, block.columns]
    return view
