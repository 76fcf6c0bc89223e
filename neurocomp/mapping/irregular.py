"""Counts of a synapse without a regular form: from its single edges, which it lists anyway."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array, csr_array

from neurocomp.arrays import Array
from neurocomp.mapping.grid import Grid
from neurocomp.snn.boxes import whole
from neurocomp.snn.synapses import Synapse


@dataclass(frozen=True, eq=False, slots=True)
class Irregular:
    """The counts of one irregular synapse."""

    pre: Array  # (edges,) flat presynaptic index
    post: Array  # (edges,) flat postsynaptic index

    def fan_in(self, post: Grid) -> Array:
        """Count the synapses into each block, (channels, rows, columns) of the grid's counts."""
        return _tally(post.labels()[self.post], post)

    def weights(self, post: Grid) -> Array:
        """Count the distinct weights of each block: every synapse has its own."""
        return self.fan_in(post)

    def sources(self, post: Grid) -> Array:
        """Count the distinct neurons that reach each block, (channels, rows, columns)."""
        return _tally(self._links(post)[1], post)

    def targets(self, pre: Grid, post: Grid) -> Array:
        """Count for each block of `pre` its pairs of a neuron and a block of `post` it reaches."""
        return _tally(pre.labels()[self._links(post)[0]], pre)

    def between(self, pre: Grid, post: Grid) -> csr_array:
        """Count the neurons of each block of `pre` that reach each of `post`, (pre, post)."""
        neurons, into = self._links(post)
        ends = (pre.labels()[neurons], into)
        return csr_array(coo_array((np.ones_like(into), ends), shape=(pre.last, post.count)))

    def flow(self, pre: Grid, post: Grid, rate: Array) -> coo_array:
        """Sum the `rate`, (channels, rows, columns), of the neurons that `between` counts."""
        neurons, into = self._links(post)
        ends = (pre.labels()[neurons], into)
        return coo_array((rate.ravel()[neurons], ends), shape=(pre.last, post.count))

    def events(self, post: Grid, rate: Array) -> Array:
        """Sum the `rate`, (channels, rows, columns), over the synapses into each block."""
        labels = post.labels()[self.post]
        return np.bincount(labels, rate.ravel()[self.pre], post.last).reshape(post.shape)

    def _links(self, post: Grid) -> tuple[Array, Array]:
        """List each distinct pair of a presynaptic neuron and a block that it reaches."""
        pairs = np.unique(self.pre * post.count + post.labels()[self.post])
        return pairs // post.count, pairs % post.count


def irregular(synapse: Synapse) -> Irregular:
    """Unfold `synapse` whole."""
    edges = synapse.edges(whole(synapse.post_shape))
    return Irregular(edges.pre, edges.post)


def _tally(labels: Array, grid: Grid) -> Array:
    return np.bincount(labels, minlength=grid.last).reshape(grid.shape)
