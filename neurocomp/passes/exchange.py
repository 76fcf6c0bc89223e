"""What rewriting passes share: exchange two operators in a row, until none is left to exchange."""

from collections.abc import Callable

from neurocomp.ann.graph import Graph, Node


def exhaust(step: Callable[[Graph], Graph], graph: Graph) -> Graph:
    """Apply `step`, which rewrites one place, until it gives back the very graph it was given."""
    while (made := step(graph)) is not graph:
        graph = made
    return graph


def feeds_only(graph: Graph, first: Node, second: Node) -> bool:
    """Say whether `second` alone reads `first`, whose value is not the output."""
    return graph.output != first.name and graph.readers(first.name) == (second,)


def exchange(graph: Graph, first: Node, second: Node) -> Graph:
    """Let the operator of `second` come before that of `first`; the names keep their places."""
    swapped = {
        first.name: Node(name=first.name, op=second.op, inputs=first.inputs),
        second.name: Node(name=second.name, op=first.op, inputs=(first.name,)),
    }
    return graph.with_nodes(swapped.get(n.name, n) for n in graph.nodes)
