"""Fold batch normalisation into the weights before it."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from neurocomp.ann.graph import Graph, Node
from neurocomp.ann.ops import Affine, Conv, Linear
from neurocomp.arrays import readonly
from neurocomp.passes.exchange import exhaust, feeds_only


@dataclass(frozen=True, slots=True)
class FoldAffine:
    """Fold an affine map of channels into the convolution or dense layer that alone feeds it.

    W' = s W, b' = s b + t (Rueckauer et al. 2017, equation 9). An affine map behind an activation
    needs no folding: conversion composes it with the layer that reads it.
    """

    name: ClassVar[str] = "fold-affine"

    def __call__(self, graph: Graph, /) -> Graph:
        """Rewrite `graph`."""
        return exhaust(_fold_one, graph)


def _fold_one(graph: Graph) -> Graph:
    for node in graph.nodes:
        before = graph.index.get(node.inputs[0]) if isinstance(node.op, Affine) else None
        folded = _folded(before, node) if before is not None else None
        if before is None or folded is None or not feeds_only(graph, before, node):
            continue
        nodes = (n for n in graph.nodes if n is not before)
        return graph.with_nodes(folded if n is node else n for n in nodes)
    return graph


def _folded(before: Node, affine: Node) -> Node | None:
    """Give `before` with `affine` folded in, under the affine's name; None where it cannot be."""
    op, outer = before.op, affine.op
    if not isinstance(op, Conv | Linear) or not isinstance(outer, Affine):
        return None
    if any(part.size != part.shape[0] for part in (outer.scale, outer.shift)):
        return None
    channels = len(op.bias)
    scale = np.broadcast_to(outer.scale.ravel().astype(np.float64), (channels,))
    shift = np.broadcast_to(outer.shift.ravel().astype(np.float64), (channels,))
    weight = op.weight * scale.reshape(-1, *(1,) * (op.weight.ndim - 1))
    bias = op.bias * scale + shift
    made = replace(
        op,
        weight=readonly(weight.astype(op.weight.dtype)),
        bias=readonly(bias.astype(op.weight.dtype)),
    )
    return Node(name=affine.name, op=made, inputs=before.inputs)
