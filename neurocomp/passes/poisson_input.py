"""Input as random spikes instead of a constant current."""

from dataclasses import dataclass, replace
from typing import ClassVar

from neurocomp.ann.graph import Graph


@dataclass(frozen=True, slots=True)
class PoissonInput:
    """Each input fires with the probability value / greatest value, drawn from `seed`.

    The paper's comparison; analog input, the default, has no noise. Source: Rueckauer et al. 2017,
    section 2.2.4.
    """

    name: ClassVar[str] = "poisson-input"
    seed: int = 0

    def __call__(self, graph: Graph, /) -> Graph:
        """Rewrite `graph`."""
        return graph if graph.spike_seed == self.seed else replace(graph, spike_seed=self.seed)
