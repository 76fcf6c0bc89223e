"""Start every membrane halfway to its threshold."""

from dataclasses import dataclass, replace
from typing import ClassVar

from neurocomp.ann.graph import Graph


@dataclass(frozen=True, slots=True)
class HalfThreshold:
    """v_init = threshold / 2, so that counting spikes rounds instead of truncating.

    The expected error of a rate over T steps falls from half a spike to none (Bu et al. 2022,
    theorem 2; Deng and Gu 2021).
    """

    name: ClassVar[str] = "half-threshold"
    fraction: float = 0.5

    def __call__(self, graph: Graph, /) -> Graph:
        """Rewrite `graph`."""
        return graph if graph.v_init == self.fraction else replace(graph, v_init=self.fraction)
