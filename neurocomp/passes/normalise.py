"""Decide what a firing rate of 1 stands for in each activation."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from neurocomp.ann.graph import Graph, Node
from neurocomp.arrays import Array, readonly
from neurocomp.snn.boxes import volume


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Normalise:
    """Set each activation's unit to its calibrated range.

    A clipped activation never gets a unit above its maximum, where its rate saturates exactly as it
    does. A channel that never fired takes the layer's. Source: Rueckauer et al. 2017, equation 8.
    """

    name: ClassVar[str] = "normalise"
    ranges: Mapping[str, Array] = field(default_factory=dict)  # value -> (channels,)

    def __call__(self, graph: Graph, /) -> Graph:
        """Rewrite `graph`."""
        units = {n.name: _unit(graph, n, self) for n in graph.nodes if n.name in self.ranges}
        same = units.keys() == graph.units.keys() and all(
            np.array_equal(units[name], graph.units[name]) for name in units
        )
        return graph if same else replace(graph, units=units)


def _unit(graph: Graph, node: Node, options: Normalise) -> Array:
    found = np.asarray(options.ranges[node.name], dtype=np.float64)
    layer = float(found.max(initial=0)) or 1.0
    channels = volume(graph.shapes[node.name])[0]
    unit = np.broadcast_to(np.where(found > 0, found, layer), (channels,))
    return readonly(np.minimum(unit, np.ravel(getattr(node.op, "maximum", np.inf))))
