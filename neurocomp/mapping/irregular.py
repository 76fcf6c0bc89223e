"""Counts of a synapse without a regular form: from its single edges, which it lists anyway."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array, csr_array

from neurocomp.arrays import Array, Shape
from neurocomp.hw.target import Packing
from neurocomp.mapping.grid import Grid
from neurocomp.mapping.lists import listed, width, words
from neurocomp.mapping.packing import UNFIT
from neurocomp.snn.boxes import whole
from neurocomp.snn.synapses import Synapse


@dataclass(frozen=True, eq=False, slots=True)
class Irregular:
    """The counts of one irregular synapse."""

    pre: Array  # (edges,) flat presynaptic index
    post: Array  # (edges,) flat postsynaptic index
    shape: Shape  # of the presynaptic population

    def fan_in(self, post: Grid) -> Array:
        """Count the synapses into each block, (channels, rows, columns) of the grid's counts."""
        return _tally(post.labels()[self.post], post)

    def weights(self, post: Grid) -> Array:
        """Count the distinct weights of each block: every synapse has its own."""
        return self.fan_in(post)

    def sources(self, post: Grid, atoms: int = 1) -> Array:
        """Count the distinct neurons that reach each block, (channels, rows, columns).

        Up to `atoms` channels of one pixel count as one.
        """
        neurons, into = self._links(post)
        return _tally(np.unique(self._axon(neurons, atoms) * post.count + into) % post.count, post)

    def targets(self, pre: Grid, post: Grid, atoms: int = 1) -> Array:
        """Count for each block of `pre` its pairs of a neuron and a block of `post` it reaches."""
        reached: Array = self.between(pre, post, atoms).sum(axis=1).reshape(pre.shape)
        return reached

    def between(self, pre: Grid, post: Grid, atoms: int = 1) -> csr_array:
        """Count the neurons of each block of `pre` that reach each of `post`, (pre, post).

        Up to `atoms` channels of one pixel count as one.
        """
        neurons, into = self._links(post)
        size, block = int(np.prod(self.shape)), pre.labels()[neurons]
        every = np.unique((block * size + self._axon(neurons, atoms)) * post.count + into)
        ends = (every // (size * post.count), every % post.count)
        return csr_array(coo_array((np.ones_like(every), ends), shape=(pre.last, post.count)))

    def flow(self, pre: Grid, post: Grid, rate: Array) -> coo_array:
        """Sum the `rate`, (channels, rows, columns), of the neurons that `between` counts."""
        neurons, into = self._links(post)
        ends = (pre.labels()[neurons], into)
        return coo_array((rate.ravel()[neurons], ends), shape=(pre.last, post.count))

    def events(self, post: Grid, rate: Array) -> Array:
        """Sum the `rate`, (channels, rows, columns), over the synapses into each block."""
        labels = post.labels()[self.post]
        return np.bincount(labels, rate.ravel()[self.pre], post.last).reshape(post.shape)

    def words(self, packing: Packing, bits: int, grid: Grid) -> Array:
        """Count the words of each block's packed lists, (channels, rows, columns).

        A synapse takes `bits` beside its index. Nothing is shared, and skips have all their bits.
        """
        if not len(self.post):
            return np.zeros(grid.shape, dtype=np.int64)
        block, (column, place) = grid.labels()[self.post], (p[self.post] for p in _places(grid))
        _, rows, columns = self.shape
        channel, pixel = self.pre // (rows * columns), self.pre % (rows * columns)
        group = pixel if packing.atoms > 1 else channel * columns + pixel % columns
        order = np.lexsort((place, column, self.pre, group, block))
        block, pre, group = block[order], self.pre[order], group[order]
        lists = np.nonzero(_changes(block, pre))[0]
        index = width(_volumes(grid) - 1, packing.index_bits_least)[block]
        runs = _changes(block, pre, column[order])
        each = listed(packing, bits, index, place[order], runs, lists)
        groups = np.nonzero(_changes(block[lists], group[lists]))[0]
        longest = words(packing, np.maximum.reduceat(each, groups, axis=1).min(axis=0))
        count = np.diff([*groups, len(lists)])
        fits = (index[lists[groups]] <= packing.index_bits_most) & (longest <= packing.axon_words)
        total = np.where(fits, longest * count, UNFIT)
        found = np.bincount(block[lists[groups]], total, grid.last)
        return found.astype(np.int64).reshape(grid.shape)

    def _axon(self, neurons: Array, atoms: int) -> Array:
        """Name the axon of each neuron, by its first channel and its pixel."""
        area = int(np.prod(self.shape[1:]))
        axon: Array = neurons // area // atoms * area + neurons % area
        return axon

    def _links(self, post: Grid) -> tuple[Array, Array]:
        """List each distinct pair of a presynaptic neuron and a block that it reaches."""
        pairs = np.unique(self.pre * post.count + post.labels()[self.post])
        return pairs // post.count, pairs % post.count


def irregular(synapse: Synapse) -> Irregular:
    """Unfold `synapse` whole."""
    edges = synapse.edges(whole(synapse.post_shape))
    return Irregular(edges.pre, edges.post, synapse.pre_shape)


def _places(grid: Grid) -> tuple[Array, Array]:
    """Give the column of each neuron in its block, and its index there, (neurons,)."""
    inside = [np.concatenate([np.arange(b - a) for a, b in cut]) for cut in grid.axes]
    lengths = [np.concatenate([np.full(b - a, b - a) for a, b in cut]) for cut in grid.axes]
    c, y, x = np.meshgrid(*inside, indexing="ij")
    channels, rows, _ = np.meshgrid(*lengths, indexing="ij")
    return x.ravel(), (c + channels * (y + rows * x)).ravel()


def _volumes(grid: Grid) -> Array:
    """Count the neurons of each block, (blocks,)."""
    c, y, x = ([b - a for a, b in cut] for cut in grid.axes)
    volumes: Array = np.einsum("i,j,k->ijk", c, y, x).ravel()
    return volumes


def _changes(*keys: Array) -> Array:
    """Say of each row whether it differs from the one before."""
    first = np.ones(len(keys[0]), dtype=bool)
    first[1:] = np.any([key[1:] != key[:-1] for key in keys], axis=0)
    return first


def _tally(labels: Array, grid: Grid) -> Array:
    return np.bincount(labels, minlength=grid.last).reshape(grid.shape)
