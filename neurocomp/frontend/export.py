"""Write a graph as an ONNX model."""

from collections.abc import Iterator, Sequence
from itertools import count

import numpy as np
import onnx

from neurocomp.ann.graph import Graph, Node
from neurocomp.arrays import Array, Shape
from neurocomp.errors import GraphError

OPSET = 19  # the first in which every operator can be written
IR_VERSION = 9


def to_model(graph: Graph, extra_outputs: Sequence[str] = ()) -> onnx.ModelProto:
    """Write `graph`; values keep their names, the batch is free.

    `extra_outputs` names more values that become outputs. Raises GraphError for an unknown one.
    """
    outputs = list(dict.fromkeys((graph.output, *extra_outputs)))
    missing = [o for o in outputs if o not in graph.index]
    if missing:
        raise GraphError(missing[0], "is no node's value and cannot be an output")
    nodes: list[onnx.NodeProto] = []
    stored: list[onnx.TensorProto] = []
    taken = set(graph.shapes)
    for node in graph.nodes:
        for made, constants in _write(node, taken):
            nodes.append(made)
            stored.extend(constants)
    body = onnx.helper.make_graph(
        nodes,
        "graph",
        [_value(graph.input, graph.input_shape)],
        [_value(o, graph.shapes[o]) for o in outputs],
        stored,
    )
    opsets = [onnx.helper.make_opsetid("", OPSET)]
    return onnx.helper.make_model(body, opset_imports=opsets, ir_version=IR_VERSION)


def _value(name: str, shape: Shape) -> onnx.ValueInfoProto:
    dims: list[str | int | None] = ["batch", *shape]
    return onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, dims)


def _write(node: Node, taken: set[str]) -> Iterator[tuple[onnx.NodeProto, list[onnx.TensorProto]]]:
    """Give the ONNX nodes of one operator, each with its constants."""
    chain = node.op.to_onnx()
    streams = list(node.inputs)
    for place, part in enumerate(chain):
        last = place == len(chain) - 1
        output = node.name if last else _fresh(f"{node.name}.{part.kind}", taken)
        inputs, constants = [], []
        given = iter(streams)
        for index in range(len(streams) + len(part.constants)):
            if index in part.constants:
                name = _fresh(f"{node.name}.{part.kind}.{index}", taken)
                constants.append(_tensor(name, part.constants[index]))
                inputs.append(name)
            else:
                inputs.append(next(given))
        made = onnx.helper.make_node(part.kind, inputs, [output], name=output)
        made.attribute.extend(onnx.helper.make_attribute(k, v) for k, v in part.attributes.items())
        yield made, constants
        streams = [output]


def _tensor(name: str, array: Array) -> onnx.TensorProto:
    plain = array if array.dtype.kind == "i" else array.astype(np.float32)
    return onnx.numpy_helper.from_array(np.ascontiguousarray(plain).reshape(array.shape), name)


def _fresh(name: str, taken: set[str]) -> str:
    """Give `name`, or with a number what is not taken yet; and take it."""
    free, number = name, count(2)
    while free in taken:
        free = f"{name}_{next(number)}"
    taken.add(free)
    return free
