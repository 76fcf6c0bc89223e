"""Turn ONNX nodes into plain values, and plain values into operators."""

from dataclasses import dataclass

import numpy as np
import onnx

from neurocomp.ann.graph import Graph, Node
from neurocomp.ann.op import OnnxNode, Op
from neurocomp.ann.ops import OPS, read
from neurocomp.arrays import Array, Shape, readonly
from neurocomp.errors import GraphError, ModelError
from neurocomp.frontend.files import FLOATS
from neurocomp.frontend.prepare import Prepared

KINDS = frozenset(kind for op in OPS for kind in op.onnx)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Reading:
    """What became of one node of the file: an operator, or the reason why not."""

    node: onnx.NodeProto
    name: str  # unique; the node's own, or else its output's
    streams: tuple[str, ...]  # values, by their names in the file
    op: Op | None
    problem: ModelError | None


def read_nodes(prepared: Prepared) -> tuple[Reading, ...]:
    """Read every node that is left, in running order; never stop at one that cannot be read."""
    read_by = {i for n in prepared.model.graph.node for i in n.input} | {prepared.output}
    lost: set[str] = set()  # values whose shape an unsupported node hides
    readings = []
    for node in prepared.model.graph.node:
        streams = tuple(i for i in node.input if i and i not in prepared.constants)
        op, problem = None, None
        try:
            _check(node, read_by)
            if lost.isdisjoint(streams):
                op = _read(node, prepared.names[node.output[0]], prepared)
        except ModelError as error:
            problem = error
        if any(o not in prepared.shapes for o in node.output if o in read_by):
            lost.update(node.output)
        readings.append(
            Reading(
                node=node,
                name=prepared.names[node.output[0]],
                streams=streams,
                op=op,
                problem=problem,
            )
        )
    return tuple(readings)


def full_kind(node: onnx.NodeProto) -> str:
    """Give the operator's name with its domain, if that is not the standard's."""
    return node.op_type if node.domain in ("", "ai.onnx") else f"{node.domain}.{node.op_type}"


def _check(node: onnx.NodeProto, read_by: set[str]) -> None:
    """Raise ModelError for a node that no operator takes, whatever its shapes."""
    where = node.name or node.output[0]
    if any(a.type == onnx.AttributeProto.GRAPH for a in node.attribute):
        raise ModelError(where, f"{node.op_type} holds a subgraph", "export a network without it")
    if node.op_type not in KINDS or node.domain not in ("", "ai.onnx"):
        raise ModelError(where, f"{full_kind(node)} is not supported", _remedy(node))
    extra = [o for o in node.output[1:] if o in read_by]
    if extra:
        wrong = (
            f"output {list(node.output).index(extra[0])} of {node.op_type}, {extra[0]!r}, is read"
        )
        raise ModelError(where, wrong, "use the first output only")


def _read(node: onnx.NodeProto, name: str, prepared: Prepared) -> Op:
    """Give the operator of `node`. Raises ModelError where it gives another shape than the file."""
    plain = _plain(node, name, prepared)
    op = read(plain)
    expected = _sample(node.output[0], name, prepared)
    try:
        made = op.shape(*(s for i in plain.streams if (s := plain.shapes[i]) is not None))
    except GraphError as error:
        raise ModelError(name, str(error)) from error
    if made != expected:
        wrong = f"gives shape {made}, the standard infers {expected}"
        raise ModelError(name, wrong, "export with operator set 22, which settles ceil_mode")
    return op


def _remedy(node: onnx.NodeProto) -> str:
    kind = node.op_type
    if "Quantize" in kind or "Integer" in kind or kind.startswith("QLinear"):
        return "export the float network: quantizing is done here"
    if kind in ("Sigmoid", "Tanh", "LeakyRelu", "Elu", "Gelu", "HardSwish", "PRelu", "Selu"):
        return "train with ReLU"
    return "see `neurocomp list ops`"


def _plain(node: onnx.NodeProto, name: str, prepared: Prepared) -> OnnxNode:
    """Give `node` as plain values. Raises ModelError where a shape is unknown or mixes samples."""
    constants: dict[int, Array] = {}
    shapes: list[Shape | None] = []
    for index, value in enumerate(node.input):
        if value in prepared.constants:
            constants[index] = _constant(value, prepared.constants[value], node.op_type)
            shapes.append(constants[index].shape)
        else:
            shapes.append(_sample(value, name, prepared) if value else None)
    made = _sample(node.output[0], name, prepared)
    if node.op_type == "Reshape" and 1 in constants:
        constants[1] = np.array([prepared.batch, *made], np.int64)
    return OnnxNode(
        kind=node.op_type,
        name=name,
        attributes={a.name: _attribute(a) for a in node.attribute},
        shapes=tuple(shapes),
        constants=constants,
        opset=prepared.opset,
    )


def _sample(value: str, where: str, prepared: Prepared) -> Shape:
    """Give the shape of one sample of `value`."""
    shape = prepared.shapes.get(value)
    if shape is None:
        wrong = f"the shape of {value!r} is not known"
        raise ModelError(where, wrong, "give a sample's shape with --input-shape")
    if shape[:1] != (prepared.batch,):
        wrong = f"{value!r} has shape {shape}, its first axis is not the batch of {prepared.batch}"
        raise ModelError(where, wrong, "keep the batch as the first axis")
    return shape[1:]


def _constant(name: str, array: Array, kind: str) -> Array:
    seen = array if any(array.strides) else array.reshape(-1)[:1]  # one number, many times
    finite = array.dtype.kind != "f" or np.isfinite(seen).all()
    if not finite and kind != "Clip":  # which has no limit where it is infinite
        raise ModelError(name, "is a constant that is not finite", "check the export")
    return readonly(array)


def _attribute(attribute: onnx.AttributeProto) -> object:
    value = onnx.helper.get_attribute_value(attribute)
    if attribute.type == onnx.AttributeProto.STRING:
        return value.decode(errors="replace")
    if attribute.type == onnx.AttributeProto.INT and attribute.name == "to":
        return int(onnx.TensorProto.FLOAT) if value in FLOATS else value
    if attribute.type == onnx.AttributeProto.TENSOR:
        return onnx.numpy_helper.to_array(value)
    return list(value) if hasattr(value, "__len__") and not isinstance(value, str) else value


def graph_of(prepared: Prepared, readings: tuple[Reading, ...]) -> Graph:
    """Give the graph of nodes that could all be read."""
    names = {prepared.input: prepared.input}
    nodes = []
    for reading in readings:
        if reading.op is not None:
            inputs = tuple(names[s] for s in reading.streams)
            nodes.append(Node(name=reading.name, op=reading.op, inputs=inputs))
            names[reading.node.output[0]] = reading.name
    return Graph(
        input=prepared.input,
        input_shape=prepared.shapes[prepared.input][1:],
        nodes=tuple(nodes),
        output=names[prepared.output],
    )


def too_deep(graph: Graph) -> dict[str, str]:
    """Give what is wrong with each node whose value has more axes than a population."""
    return {
        n.name: f"its value has {len(graph.shapes[n.name])} axes, at most 3 can be placed"
        for n in graph.nodes
        if len(graph.shapes[n.name]) > 3
    }


def problem_text(reading: Reading, problem: ModelError) -> str:
    """Write a problem with the names of node and operator."""
    remedy = f" ({problem.remedy})" if problem.remedy else ""
    return f"{reading.name}, {full_kind(reading.node)}: {problem.wrong}{remedy}"
