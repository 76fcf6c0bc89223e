"""Remove from a graph what exporters leave behind; same function, fewer nodes.

Identities go, views merge, and transposes sink towards the output until they meet their inverse, or
a dense layer that takes them up. Each rewrite looks at one node and gives a new graph, or None.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from math import prod

import numpy as np

from neurocomp.ann.graph import Graph, Node
from neurocomp.ann.op import Op
from neurocomp.ann.ops import (
    Affine,
    Clip,
    Concat,
    Conv,
    GlobalAveragePool,
    Identity,
    Linear,
    MaxPool,
    Pad,
    Relu,
    Reshape,
    Sum,
    Transpose,
)
from neurocomp.arrays import readonly

Rewrite = Callable[[Graph, Node], Graph | None]


def tidy(graph: Graph) -> Graph:
    """Apply the rewrites until none changes anything."""
    while True:
        changed = next((g for n in graph.nodes for r in REWRITES if (g := r(graph, n))), None)
        if changed is None:
            return graph
        graph = _live(changed)


def drop_identity(graph: Graph, node: Node) -> Graph | None:
    """Let readers of an Identity, a view to the same shape, or a pool of one element skip it."""
    (source, *_) = node.inputs
    same = isinstance(node.op, Reshape) and graph.shapes[source] == node.op.target
    still = isinstance(node.op, Transpose) and node.op.order == tuple(range(len(node.op.order)))
    single = isinstance(node.op, MaxPool) and {*node.op.kernel, *node.op.strides} == {1}
    alone = single and graph.shapes[source] == graph.shapes[node.name]
    if not (same or still or alone or isinstance(node.op, Identity)):
        return None
    if node.name == graph.output and source == graph.input:
        return None
    return _put(graph, node, [], read=source)


def merge_views(graph: Graph, node: Node) -> Graph | None:
    """Let a Reshape of a Reshape read the first's input."""
    source = graph.index.get(node.inputs[0])
    if isinstance(node.op, Reshape) and source and isinstance(source.op, Reshape):
        return _put(graph, node, [replace(node, inputs=source.inputs)])
    return None


def transpose_is_view(graph: Graph, node: Node) -> Graph | None:
    """Write a Transpose that moves axes of length 1 only as a Reshape."""
    if not isinstance(node.op, Transpose):
        return None
    shape = graph.shapes[node.inputs[0]]
    long = [a for a in node.op.order if shape[a] != 1]
    if long != sorted(long):
        return None
    return _put(graph, node, [replace(node, op=Reshape(target=graph.shapes[node.name]))])


def merge_transposes(graph: Graph, node: Node) -> Graph | None:
    """Write a Transpose of a Transpose as one."""
    source = graph.index.get(node.inputs[0])
    if not (isinstance(node.op, Transpose) and source and isinstance(source.op, Transpose)):
        return None
    order = tuple(source.op.order[a] for a in node.op.order)
    return _put(graph, node, [replace(node, op=Transpose(order=order), inputs=source.inputs)])


def merge_axes(graph: Graph, node: Node) -> Graph | None:
    """Merge the axes that a Transpose of many axes, as in a channel shuffle, keeps together."""
    if not isinstance(node.op, Transpose) or len(node.op.order) <= 3:
        return None
    runs: list[list[int]] = []
    for axis in node.op.order:
        if runs and axis == runs[-1][-1] + 1:
            runs[-1].append(axis)
        else:
            runs.append([axis])
    if len(runs) == len(node.op.order):
        return None
    shape, before = graph.shapes[node.inputs[0]], sorted(runs)
    merged = Reshape(target=tuple(prod(shape[a] for a in run) for run in before))
    order = Transpose(order=tuple(before.index(run) for run in runs))
    first, second = (_fresh(graph, f"{node.name}.{part}") for part in ("merged", "moved"))
    return _put(
        graph,
        node,
        [
            Node(name=first, op=merged, inputs=node.inputs),
            Node(name=second, op=order, inputs=(first,)),
            Node(name=node.name, op=Reshape(target=graph.shapes[node.name]), inputs=(second,)),
        ],
    )


def sink_transpose(graph: Graph, node: Node) -> Graph | None:
    """Write op(T(x)) as T(op'(x)), for operators that treat all elements alike."""
    sources = [graph.index.get(i) for i in node.inputs]
    orders = {s.op.order if s and isinstance(s.op, Transpose) else None for s in sources}
    if node.name == graph.output or len(orders) != 1:
        return None
    (order,) = orders
    moved = None if order is None else _before(node.op, order)
    if moved is None or order is None:
        return None
    inner = replace(node, op=moved, inputs=tuple(s.inputs[0] for s in sources if s))
    name = _fresh(graph, f"{node.name}.transposed")
    outer = Node(name=name, op=Transpose(order=order), inputs=(node.name,))
    return _put(graph, node, [inner, outer], read=name)


def _before(op: Op, order: tuple[int, ...]) -> Op | None:
    """Give op' with op(T(x)) = T(op'(x)), None where there is none."""
    back = tuple(int(a) for a in np.argsort(order))
    match op:
        case Relu() | Clip() | Sum():
            return op
        case Affine():
            scale, shift = op.scale.transpose(back), op.shift.transpose(back)
            return Affine(scale=readonly(scale), shift=readonly(shift))
        case Concat():
            return Concat(axis=order[op.axis])
        case Pad():
            before, after = (tuple(p[a] for a in back) for p in (op.before, op.after))
            return Pad(before=before, after=after)
        case GlobalAveragePool(keep_axes=True):
            return replace(op, axes=tuple(sorted(order[a] for a in op.axes)))
    return None


def mean_of_transpose(graph: Graph, node: Node) -> Graph | None:
    """Let a mean that leaves the order of the other axes alone read a Transpose's input."""
    source = graph.index.get(node.inputs[0])
    if not (isinstance(node.op, GlobalAveragePool) and source and isinstance(source.op, Transpose)):
        return None
    order = source.op.order
    rest = [a for i, a in enumerate(order) if i not in node.op.axes]
    if node.op.keep_axes or rest != sorted(rest):
        return None
    axes = tuple(sorted(order[a] for a in node.op.axes))
    return _put(graph, node, [replace(node, op=replace(node.op, axes=axes), inputs=source.inputs)])


def dense_of_transpose(graph: Graph, node: Node) -> Graph | None:
    """Let a dense layer of flattened, transposed values permute its weights instead."""
    view = graph.index.get(node.inputs[0])
    source = graph.index.get(view.inputs[0]) if view and isinstance(view.op, Reshape) else None
    if not (isinstance(node.op, Linear) and view and source and isinstance(source.op, Transpose)):
        return None
    shape = graph.shapes[source.inputs[0]]
    places = np.arange(prod(shape)).reshape(shape).transpose(source.op.order).ravel()
    weight = node.op.weight[:, np.argsort(places)]
    flat = replace(view, name=_fresh(graph, f"{view.name}.flat"), inputs=source.inputs)
    dense = replace(node, op=replace(node.op, weight=readonly(weight)), inputs=(flat.name,))
    return _put(graph, node, [flat, dense])


def absorb_shift(graph: Graph, node: Node) -> Graph | None:
    """Add a constant after a convolution or dense layer to its bias."""
    source = graph.index.get(node.inputs[0])
    if not (isinstance(node.op, Affine) and source and isinstance(source.op, Conv | Linear)):
        return None
    shift, bias = node.op.shift, source.op.bias
    alone = len(graph.readers(source.name)) == 1 and source.name != graph.output
    if not alone or np.any(node.op.scale != 1) or shift.size not in (1, shift.shape[0]):
        return None
    merged = replace(source.op, bias=readonly(bias + shift.reshape(-1)))
    return _put(graph, node, [replace(source, name=node.name, op=merged)])


REWRITES: tuple[Rewrite, ...] = (
    drop_identity,
    merge_views,
    transpose_is_view,
    merge_transposes,
    merge_axes,
    mean_of_transpose,
    sink_transpose,
    dense_of_transpose,
    absorb_shift,
)


def _put(graph: Graph, old: Node, new: Iterable[Node], read: str | None = None) -> Graph:
    """Give the graph with `new` in the place of `old`, and `read` read instead of its value."""
    name = read or old.name
    nodes: list[Node] = []
    for node in graph.nodes:
        inputs = tuple(name if i == old.name else i for i in node.inputs)
        changed = node if inputs == node.inputs else replace(node, inputs=inputs)
        nodes.extend(new if node is old else [changed])
    return graph.with_nodes(nodes, name if graph.output == old.name else graph.output)


def _live(graph: Graph) -> Graph:
    """Drop the nodes whose value nothing reads."""
    read, kept = {graph.output}, []
    for node in reversed(graph.nodes):
        if node.name in read:
            kept.append(node)
            read.update(node.inputs)
    return graph if len(kept) == len(graph.nodes) else graph.with_nodes(reversed(kept))


def _fresh(graph: Graph, name: str) -> str:
    while name in graph.shapes:
        name += "_"
    return name
