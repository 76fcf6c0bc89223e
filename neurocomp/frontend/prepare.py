"""Bring a model to one input of fixed shape, one output, float32 weights and no computed constants.

Names stay those of the file.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from types import MappingProxyType

import numpy as np
import onnx

from neurocomp.arrays import Array, Shape
from neurocomp.errors import ModelError
from neurocomp.frontend.files import FLOATS, tensors, values
from neurocomp.frontend.fold import fold

NOTHING: Mapping[str, Array] = MappingProxyType({})


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Prepared:
    """A model whose shapes are known, and what is constant in it."""

    model: onnx.ModelProto  # nodes that the input reaches and the output needs
    input: str
    output: str
    batch: int  # the length of the first axis that shapes are computed for
    constants: dict[str, Array]  # value -> array
    shapes: dict[str, Shape]  # value -> whole shape, where it is known
    opset: int
    names: dict[str, str]  # first output of each of the file's nodes -> its unique name


def prepare(
    model: onnx.ModelProto, input_shape: Shape | None, stored: Mapping[str, Array] = NOTHING
) -> Prepared:
    """Fix shapes and fold constants; `stored` are those that the model itself does not hold.

    Raises ModelError for several inputs or a dynamic shape.
    """
    prepared = _prepare(model, input_shape, stored, 1)
    hard = _hard_coded_batch(prepared)
    return prepared if hard == prepared.batch else _prepare(model, input_shape, stored, hard)


def _prepare(
    model: onnx.ModelProto,
    input_shape: Shape | None,
    stored: Mapping[str, Array],
    free_batch: int,
) -> Prepared:
    """Fix shapes for the file's batch, or where that is free for `free_batch`."""
    fixed = onnx.ModelProto()
    fixed.CopyFrom(model)
    _to_float32(fixed)
    x = _only_input(fixed)
    y = _only_output(fixed)
    batch = _fix_shape(x, input_shape, free_batch)
    names = _unique_names(fixed.graph, {x.name})
    del fixed.graph.input[:]
    fixed.graph.input.append(x)
    constants = {t.name: values(t) for t in fixed.graph.initializer} | dict(stored)
    del fixed.graph.initializer[:]
    del fixed.graph.value_info[:]
    for output in fixed.graph.output:
        output.type.tensor_type.ClearField("shape")
    shapes = fold(fixed, constants)
    _prune(fixed, y)
    if y in constants:
        raise ModelError(y, "is the output and does not depend on the input", "check the export")
    return Prepared(
        model=fixed,
        input=x.name,
        output=y,
        batch=batch,
        constants=constants,
        shapes=shapes,
        opset=opset(model),
        names=names,
    )


def _hard_coded_batch(prepared: Prepared) -> int:
    """Give the batch that a Reshape insists on where the input leaves it free, else the batch."""
    for node in prepared.model.graph.node:
        if node.op_type == "Reshape" and node.input[-1] in prepared.constants:
            before = prepared.shapes.get(node.input[0], ())
            first, *rest = (int(n) for n in prepared.constants[node.input[-1]].ravel())
            fits = -1 in rest or prod(rest) == prod(before[1:])
            if first > 1 and before[:1] == (1,) and fits:
                return first
    return prepared.batch


def opset(model: onnx.ModelProto) -> int:
    """Give the version of the standard operator set."""
    return max((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), default=1)


def _unique_names(graph: onnx.GraphProto, taken: set[str]) -> dict[str, str]:
    """Name each node's first output: as the node if that has a name of its own, else as it is."""
    counts: dict[str, int] = {}
    for node in graph.node:
        counts[node.name] = counts.get(node.name, 0) + 1
    names: dict[str, str] = {}
    used = set(taken)
    for node in graph.node:
        output = node.output[0]
        name = node.name if node.name and counts[node.name] == 1 else output
        while name in used:
            name += "_"
        used.add(name)
        names[output] = name
    return names


def _to_float32(model: onnx.ModelProto) -> None:
    """Store and compute every float as float32."""
    wide = set(FLOATS) - {onnx.TensorProto.FLOAT}
    for tensor in tensors(model.graph):
        if tensor.data_type in wide:
            limits = np.finfo(np.float32)
            array = np.clip(values(tensor), limits.min, limits.max).astype(np.float32)
            tensor.CopyFrom(onnx.numpy_helper.from_array(array, tensor.name))
    for value in (*model.graph.input, *model.graph.output):
        if value.type.tensor_type.elem_type in wide:
            value.type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.name in ("to", "dtype") and attribute.i in wide:
                attribute.i = onnx.TensorProto.FLOAT


def _only_input(model: onnx.ModelProto) -> onnx.ValueInfoProto:
    stored = {t.name for t in model.graph.initializer}
    free: list[onnx.ValueInfoProto] = [i for i in model.graph.input if i.name not in stored]
    read = {name for node in model.graph.node for name in node.input}
    used = [i for i in free if i.name in read]
    if len(used) != 1:
        names = ", ".join(i.name for i in used)
        wrong = f"has {len(used)} inputs{f' ({names})' if names else ''}, a network takes 1"
        raise ModelError("model", wrong, "cut one network out with onnx.utils.extract_model")
    (x,) = used
    kind = x.type.tensor_type.elem_type
    if kind != onnx.TensorProto.FLOAT:
        wrong = f"is of type {onnx.TensorProto.DataType.Name(kind)}, a network takes FLOAT"
        raise ModelError(x.name, wrong, "export the float network, without integer input")
    return x


def _only_output(model: onnx.ModelProto) -> str:
    names: list[str] = [o.name for o in model.graph.output]
    if len(names) != 1:
        wrong = f"has {len(names)} outputs ({', '.join(names)}), a network gives 1"
        raise ModelError("model", wrong, "cut one network out with onnx.utils.extract_model")
    return names[0]


def _fix_shape(x: onnx.ValueInfoProto, override: Shape | None, free_batch: int) -> int:
    """Write the whole shape into `x`; give the batch: the file's own, or `free_batch`."""
    if not x.type.tensor_type.HasField("shape") or not x.type.tensor_type.shape.dim:
        raise ModelError(x.name, "has no shape, or no batch axis", "export it with a batch axis")
    dims = x.type.tensor_type.shape.dim
    sizes = [d.dim_value if d.dim_value > 0 else None for d in dims]
    if override is not None and len(override) != len(sizes) - 1:
        wrong = (
            f"a sample has {len(sizes) - 1} axes, the given shape {override} has {len(override)}"
        )
        raise ModelError(x.name, wrong, "give the shape of one sample, without the batch")
    for axis, size in enumerate(sizes[1:], 1):
        given = None if override is None else override[axis - 1]
        if size is None and given is None:
            wrong = f"axis {axis} ({dims[axis].dim_param or 'no name'}) has no fixed size"
            raise ModelError(x.name, wrong, "give a sample's shape with --input-shape")
        if given is not None and (given < 1 or size not in (None, given)):
            wrong = (
                f"axis {axis} has size {size or 'dynamic'}, the given shape {override} says {given}"
            )
            raise ModelError(x.name, wrong, "give the shape of one sample")
        dims[axis].dim_value = given or size or 1
    dims[0].dim_value = sizes[0] or free_batch
    return int(dims[0].dim_value)


def _prune(model: onnx.ModelProto, output: str) -> None:
    """Remove the nodes whose values the output does not need."""
    read, kept = {output}, []
    for node in reversed(model.graph.node):
        if read.intersection(node.output):
            kept.append(node)
            read.update(node.input)
    del model.graph.node[:]
    model.graph.node.extend(reversed(kept))
