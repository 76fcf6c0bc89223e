"""What a pass is."""

from typing import ClassVar, Protocol

from neurocomp.ann.graph import Graph


class Pass(Protocol):
    """A function from a graph to a graph that computes the same; its options are its fields.

    Where there is nothing to do it returns the very graph that it was given.
    """

    name: ClassVar[str]

    def __call__(self, graph: Graph, /) -> Graph:
        """Rewrite `graph`."""
