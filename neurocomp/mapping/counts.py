"""Counts of synapses and sources over all blocks of a grid at once, without listing either.

Where a synapse is regular, a count over a box is a product of one factor an axis. So the count of
every block of a grid follows from one count for each range of each axis, with the other axes whole.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import csr_array, kron

from neurocomp.arrays import Array
from neurocomp.mapping.grid import Cut, Grid
from neurocomp.snn.boxes import Box, Range, whole
from neurocomp.snn.synapses import Conv, Dense, Synapse, Window

REGULAR = (Dense, Conv, Window)


@dataclass(frozen=True, eq=False, slots=True)
class Counts:
    """The counts, each taken once: `known` remembers what one axis of a synapse gave."""

    known: dict[tuple[object, ...], Array] = field(default_factory=dict)

    def fan_in(self, synapse: Synapse, grid: Grid) -> Array:
        """Count the synapses into each block, (channels, rows, columns) of the grid's counts."""
        if not isinstance(synapse, REGULAR):
            return _each(synapse.fan_in, grid)
        every = synapse.fan_in(whole(synapse.post_shape))
        shares = [self._fan_in_share(synapse, axis, grid.axes[axis], every) for axis in range(3)]
        return _product(every, *shares)

    def sources(self, synapse: Synapse, grid: Grid) -> Array:
        """Count the distinct neurons that reach each block, (channels, rows, columns)."""
        pre = whole(synapse.pre_shape)
        if not isinstance(synapse, REGULAR):
            return _each(lambda box: synapse.sources(box, pre), grid)
        every = synapse.sources(whole(synapse.post_shape), pre)
        uncut = [((0, length),) for length in synapse.pre_shape]
        shares = [
            self._overlap(synapse, axis, grid.axes[axis], uncut[axis], every)[:, 0]
            for axis in range(3)
        ]
        return _product(every, *shares)

    def targets(self, synapse: Synapse, pre: Grid, post: Grid) -> Array:
        """Count for each block of `pre` its pairs of a neuron and a block of `post` it reaches."""
        if not isinstance(synapse, REGULAR):
            into = post.boxes()
            return _each(lambda box: sum(synapse.sources(b, box) for b in into), pre)
        every = synapse.sources(whole(synapse.post_shape), whole(synapse.pre_shape))
        shares = [
            self._overlap(synapse, axis, post.axes[axis], pre.axes[axis], every).sum(axis=0)
            for axis in range(3)
        ]
        return _product(every, *shares)

    def between(self, synapse: Synapse, pre: Grid, post: Grid) -> csr_array:
        """Count the neurons of each block of `pre` that reach each of `post`, (post, pre)."""
        if not isinstance(synapse, REGULAR):
            rows = [[synapse.sources(b, a) for a in pre.boxes()] for b in post.boxes()]
            return csr_array(np.array(rows, dtype=np.float64))
        every = synapse.sources(whole(synapse.post_shape), whole(synapse.pre_shape))
        c, y, x = (
            csr_array(self._overlap(synapse, axis, post.axes[axis], pre.axes[axis], every))
            for axis in range(3)
        )
        counted = csr_array(kron(kron(c, y), x)) * every
        counted.data = np.rint(counted.data)
        return counted

    def _fan_in_share(self, synapse: Synapse, axis: int, cut: Cut, every: int) -> Array:
        """Give the share of all synapses, (ranges,), that each range of one axis takes."""
        key = (synapse, axis, cut)
        if key not in self.known:
            post = whole(synapse.post_shape)
            found = [synapse.fan_in(_with(post, axis, r)) for r in cut]
            self.known[key] = np.array(found, dtype=np.float64) / max(every, 1)
        return self.known[key]

    def _overlap(self, synapse: Synapse, axis: int, post: Cut, pre: Cut, every: int) -> Array:
        """Give the share of all sources, (post ranges, pre ranges), of each pair of ranges."""
        key = (synapse, axis, post, pre)
        if key not in self.known:
            into, of = whole(synapse.post_shape), whole(synapse.pre_shape)
            found = [
                [synapse.sources(_with(into, axis, b), _with(of, axis, a)) for a in pre]
                for b in post
            ]
            self.known[key] = np.array(found, dtype=np.float64) / max(every, 1)
        return self.known[key]


def _with(box: Box, axis: int, length: Range) -> Box:
    ranges = list(box.ranges)
    ranges[axis] = length
    return Box(*ranges)


def _product(every: int, channels: Array, rows: Array, columns: Array) -> Array:
    """Give `every` times the shares, exact: a count below 2^50 is far from its neighbours."""
    counted: Array = np.rint(
        every * channels[:, None, None] * rows[None, :, None] * columns[None, None, :]
    )
    return counted.astype(np.int64)


def _each(count: Callable[[Box], int], grid: Grid) -> Array:
    return np.array([count(box) for box in grid.boxes()], dtype=np.int64).reshape(grid.shape)
