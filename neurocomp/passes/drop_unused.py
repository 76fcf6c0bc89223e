"""Remove what nothing reads."""

from dataclasses import dataclass
from typing import ClassVar

from neurocomp.ann.graph import Graph


@dataclass(frozen=True, slots=True)
class DropUnused:
    """Remove nodes whose value nothing reads."""

    name: ClassVar[str] = "drop-unused"

    def __call__(self, graph: Graph, /) -> Graph:
        """Rewrite `graph`."""
        read, kept = {graph.output}, []
        for node in reversed(graph.nodes):
            if node.name in read:
                kept.append(node)
                read.update(node.inputs)
        return graph if len(kept) == len(graph.nodes) else graph.with_nodes(reversed(kept))
