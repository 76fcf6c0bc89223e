"""The standard's own cases of single nodes, with parameters as constants."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.util import find_spec

import numpy as np
import onnx
from onnx.backend.test.case import node as node_cases

from neurocomp.arrays import Array
from neurocomp.frontend.nodes import Reading, read_nodes
from neurocomp.frontend.prepare import Prepared, opset

# Modules of cases, by their names in one or another version of the package onnx.
MODULES = (
    "add",
    "averagepool",
    "batch_normalization",
    "batchnorm",
    "cast",
    "clip",
    "concat",
    "conv",
    "div",
    "dropout",
    "flatten",
    "gemm",
    "globalaveragepool",
    "identity",
    "logsoftmax",
    "matmul",
    "maxpool",
    "mul",
    "neg",
    "pad",
    "reducemean",
    "reduce_mean",
    "relu",
    "reshape",
    "softmax",
    "squeeze",
    "sub",
    "sum",
    "transpose",
    "unsqueeze",
)
ARITHMETIC = ("Add", "Sub", "Mul", "Div")
ALL_STREAMS = ("Concat", "Sum")


@dataclass(frozen=True, eq=False, slots=True)
class Case:
    """One node with inputs and the output that the standard demands."""

    name: str
    model: onnx.ModelProto
    inputs: tuple[Array | None, ...]
    output: Array
    constant: frozenset[int]  # which inputs are constants

    def read(self) -> Reading:
        """Let the front end read the node."""
        (node,) = self.model.graph.node
        given = {n: a for n, a in zip(node.input, self.inputs, strict=True) if a is not None}
        fixed = {n: given[n] for i, n in enumerate(node.input) if i in self.constant and n}
        stream = next(a for n, a in given.items() if n not in fixed)
        prepared = Prepared(
            model=self.model,
            input="",
            output=node.output[0],
            batch=len(stream) if stream.ndim else 0,
            constants=fixed,
            shapes={n: a.shape for n, a in given.items()} | {node.output[0]: self.output.shape},
            opset=opset(self.model),
            names={node.output[0]: node.output[0]},
        )
        (reading,) = read_nodes(prepared)
        return reading

    @property
    def streams(self) -> tuple[Array, ...]:
        """Give the inputs that are not constants."""
        pairs = enumerate(self.inputs)
        return tuple(a for i, a in pairs if i not in self.constant and a is not None)


def cases() -> Iterator[Case]:
    """Give every case of a node that one of our operators names."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # cases that overflow on purpose
        for module in MODULES:
            if find_spec(f"{node_cases.__name__}.{module}"):
                import_module(f"{node_cases.__name__}.{module}")
    for case in node_cases._NodeTestCases:
        if len(case.model.graph.node) != 1 or case.model.functions:
            continue
        (node,) = case.model.graph.node
        ((inputs, outputs), *_) = case.data_sets
        if not all(isinstance(a, np.ndarray | np.generic) for a in (*inputs, outputs[0])):
            continue
        given = iter(inputs)
        whole = tuple(np.asarray(next(given)) if name else None for name in node.input)
        yield from _variants(node, Case(case.name, case.model, whole, outputs[0], frozenset()))


def _variants(node: onnx.NodeProto, case: Case) -> Iterator[Case]:
    """Give the case with its parameters as constants; arithmetic also with a constant operand."""
    if node.op_type in ALL_STREAMS:
        yield case
    elif node.op_type not in ARITHMETIC:
        yield replace(case, constant=frozenset(range(1, len(node.input))))
    else:
        yield case
        for side, stream in (("-constant-right", 0), ("-constant-left", 1)):
            whole = enumerate(case.inputs)  # the whole tensor is one sample
            inputs = tuple(a[None] if i == stream and a is not None else a for i, a in whole)
            yield replace(
                case,
                name=case.name + side,
                inputs=inputs,
                output=case.output[None],
                constant=frozenset((1 - stream,)),
            )
