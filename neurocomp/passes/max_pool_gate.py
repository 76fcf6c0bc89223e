"""Which estimate of the rates a max-pooling gate goes by."""

from dataclasses import dataclass, field, replace
from typing import ClassVar

from neurocomp.ann.graph import Graph
from neurocomp.snn.estimates import Estimate, Exponential


@dataclass(frozen=True, slots=True)
class MaxPoolGate:
    """Gate by the online average, the exponential average or a FIR filter of each tap's spikes.

    Source: Rueckauer et al. 2017, section 2.2.6.
    """

    name: ClassVar[str] = "max-pool-gate"
    estimate: Estimate = field(default_factory=Exponential)

    def __call__(self, graph: Graph, /) -> Graph:
        """Rewrite `graph`."""
        return graph if graph.gate == self.estimate else replace(graph, gate=self.estimate)
