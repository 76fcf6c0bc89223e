"""Small ONNX models, node by node, as exporters write them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from neurocomp.arrays import Array, Shape

RANDOM = np.random.default_rng(0)


def draw(*shape: int) -> Array:
    """Draw weights, float32."""
    return RANDOM.normal(0.1, 0.5, shape).astype(np.float32)


def ints(*values: int) -> Array:
    return np.array(values, np.int64)


def node(
    kind: str, inputs: str, outputs: str, name: str = "", **attributes: object
) -> onnx.NodeProto:
    """Make a node; names are parted by spaces, `-` is an absent input."""
    given = ["" if i == "-" else i for i in inputs.split()]
    domain = str(attributes.pop("domain", ""))
    made = helper.make_node(kind, given, outputs.split(), name=name, domain=domain)
    made.attribute.extend(helper.make_attribute(k, v) for k, v in attributes.items())
    return made


def model(
    nodes: Sequence[onnx.NodeProto],
    shape: Sequence[int | str | None],
    constants: Mapping[str, Array] | None = None,
    opset: int = 17,
    domain: str = "",
    kind: int = TensorProto.FLOAT,
) -> onnx.ModelProto:
    """Make a model from `x`, of `shape` with batch, to the last node's first output."""
    stored = [numpy_helper.from_array(np.asarray(a), n) for n, a in (constants or {}).items()]
    output = helper.make_tensor_value_info(nodes[-1].output[0], kind, None)
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", kind, shape)], [output], stored
    )
    sets = [helper.make_opsetid("", opset)]
    if domain:
        sets.append(helper.make_opsetid(domain, 1))
    return helper.make_model(graph, opset_imports=sets, ir_version=8)


def save(made: onnx.ModelProto, folder: Path, name: str = "model.onnx") -> Path:
    path = folder / name
    path.write_bytes(made.SerializeToString())
    return path


def batch(count: int, shape: Shape) -> Array:
    return np.random.default_rng(1).uniform(0, 1, (count, *shape)).astype(np.float32)
