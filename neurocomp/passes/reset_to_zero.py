"""The paper's other reset."""

from dataclasses import dataclass, replace
from typing import ClassVar

from neurocomp.ann.graph import Graph


@dataclass(frozen=True, slots=True)
class ResetToZero:
    """v = 0 after a spike: what the drive exceeded the threshold by is lost.

    Worse than subtraction, and all that some chips have. Source: Rueckauer et al. 2017, eq. 4a.
    """

    name: ClassVar[str] = "reset-to-zero"

    def __call__(self, graph: Graph, /) -> Graph:
        """Rewrite `graph`."""
        return graph if graph.reset == "zero" else replace(graph, reset="zero")
