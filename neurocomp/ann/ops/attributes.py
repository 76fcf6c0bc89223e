"""Read the attributes of an ONNX node, with their types checked."""

from neurocomp.ann.op import OnnxNode
from neurocomp.arrays import Array, Shape
from neurocomp.errors import ModelError


def integer(node: OnnxNode, key: str, default: int) -> int:
    """Give the integer attribute `key`. Raises ModelError where it is not an integer."""
    value = node.attributes.get(key, default)
    if not isinstance(value, int):
        raise ModelError(node.name, f"{key} is {value!r}, not an integer", "repair the file")
    return value


def integers(node: OnnxNode, key: str, default: tuple[int, ...]) -> tuple[int, ...]:
    """Give the list `key` of integers. Raises ModelError where it is not one."""
    value = node.attributes.get(key, default)
    if not isinstance(value, list | tuple) or not all(isinstance(v, int) for v in value):
        raise ModelError(
            node.name, f"{key} is {value!r}, not a list of integers", "repair the file"
        )
    return tuple(value)


def number(node: OnnxNode, key: str, default: float) -> float:
    """Give the number `key`. Raises ModelError where it is not a number."""
    value = node.attributes.get(key, default)
    if not isinstance(value, int | float):
        raise ModelError(node.name, f"{key} is {value!r}, not a number", "repair the file")
    return float(value)


def text(node: OnnxNode, key: str, default: str) -> str:
    """Give the text `key`. Raises ModelError where it is not text."""
    value = node.attributes.get(key, default)
    if not isinstance(value, str):
        raise ModelError(node.name, f"{key} is {value!r}, not text", "repair the file")
    return value


def constant(node: OnnxNode, index: int) -> Array | None:
    """Give the constant at input `index`, None where the input is absent.

    Raises ModelError where something is computed there from the network's input.
    """
    if index in node.constants:
        return node.constants[index]
    if index < len(node.shapes) and node.shapes[index] is not None:
        raise ModelError(
            node.name,
            f"input {index} of {node.kind} is computed by the network, not a constant",
            "export the model with constant weights and shapes",
        )
    return None


def settled(node: OnnxNode, index: int, key: str) -> tuple[int, ...] | None:
    """Give integers that older operator sets kept in attribute `key` and newer ones in an input."""
    if key in node.attributes:
        return integers(node, key, ())
    values = constant(node, index)
    return None if values is None else tuple(int(v) for v in values.ravel())


def stream(node: OnnxNode) -> Shape:
    """Give the shape of the first input. Raises ModelError where that is a constant."""
    shape = node.shapes[0] if node.shapes else None
    if shape is None or 0 in node.constants:
        raise ModelError(
            node.name,
            f"input 0 of {node.kind} is a constant, not a value of the network",
            "swap the operands, or fold the constant",
        )
    return shape


def sample_axis(node: OnnxNode, axis: int, rank: int) -> int:
    """Count `axis`, of a value with batch and `rank` more axes, from the first after the batch.

    Raises ModelError for the batch axis, and for one that does not exist.
    """
    whole = axis + rank + 1 if axis < 0 else axis
    if not 0 < whole <= rank:
        wrong = "is the batch" if whole == 0 else f"does not exist in {rank + 1} axes"
        raise ModelError(
            node.name, f"axis {axis} of {node.kind} {wrong}", "samples must stay apart"
        )
    return whole - 1
