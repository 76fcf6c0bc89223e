"""Program <-> plain JSON and arrays: no pickle, nothing that runs on reading.

Every part is written as its type's name and its fields. Arrays stand in files of their own, named
by number, never by a name from the user's model; one that only repeats a smaller one is stored
small.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from neurocomp.arrays import Array, readonly
from neurocomp.errors import ArtifactError
from neurocomp.hw.target import Arithmetic, Core, Layers, Mesh, Packing, Relay, Target
from neurocomp.mapping.cost import Cost
from neurocomp.mapping.placement import Block, Place, Placement
from neurocomp.precision import Precision
from neurocomp.program import Program
from neurocomp.snn.boxes import Box
from neurocomp.snn.estimates import Average, Exponential, Fir
from neurocomp.snn.membrane import Membrane
from neurocomp.snn.network import Current, Input, Network, Population, Projection
from neurocomp.snn.neurons import (
    Accumulator,
    Graded,
    IntegrateAndFire,
    MaxGate,
    MaxIntegrateAndFire,
    Poisson,
    Recorded,
)
from neurocomp.snn.synapses import Conv, Dense, Pooled, Sparse, Window

KINDS: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        *(Program, Precision, Network, Input, Current, Population, Projection),
        *(IntegrateAndFire, Accumulator, MaxGate, MaxIntegrateAndFire),
        *(Poisson, Recorded, Graded, Membrane),
        *(Average, Exponential, Fir, Conv, Dense, Sparse, Window, Pooled),
        *(Target, Arithmetic, Packing, Relay, Core, Layers, Mesh),
        *(Placement, Block, Place, Box, Cost),
    )
}
Plain = Any  # what JSON holds


def to_plain(value: object, arrays: dict[str, Array]) -> Plain:
    """Give `value` as JSON values; its arrays are added to `arrays`, name -> array."""
    if isinstance(value, np.ndarray):
        return _array_to_plain(value, arrays)
    if is_dataclass(value) and type(value).__name__ in KINDS:
        inside = {f.name: getattr(value, f.name) for f in fields(value) if f.init}
        parts = {name: to_plain(part, arrays) for name, part in inside.items()}
        return {"kind": type(value).__name__, **parts}
    if isinstance(value, Mapping):
        return {"pairs": [[to_plain(k, arrays), to_plain(v, arrays)] for k, v in value.items()]}
    if isinstance(value, tuple | list):
        return [to_plain(v, arrays) for v in value]
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, np.number):
        return value.item()
    raise ArtifactError(type(value).__name__, "cannot be written")


def _array_to_plain(array: Array, arrays: dict[str, Array]) -> Plain:
    small = array[tuple(slice(0, 1) if s == 0 else slice(None) for s in array.strides)]
    name = f"{len(arrays):04d}"
    arrays[name] = small
    return {"array": name, "shape": list(array.shape)}


def from_plain(plain: Plain, arrays: Callable[[str], Array]) -> Any:
    """Give back what `to_plain` was given. Raises ArtifactError where the values are not its."""
    if isinstance(plain, list):
        return tuple(from_plain(v, arrays) for v in plain)
    if not isinstance(plain, dict):
        return plain
    if "array" in plain:
        return _array_from_plain(plain, arrays)
    if "pairs" in plain:
        return _mapping_from_plain(plain["pairs"], arrays)
    kind = KINDS.get(str(plain.get("kind")))
    if kind is None:
        raise ArtifactError(str(plain.get("kind")), "is not a part of a program")
    inside = {name: from_plain(v, arrays) for name, v in plain.items() if name != "kind"}
    known = {f.name for f in fields(kind) if f.init}
    if inside.keys() - known:
        raise ArtifactError(kind.__name__, f"has no field {min(inside.keys() - known)!r}")
    try:
        return kind(**inside)
    except (TypeError, AttributeError) as error:
        raise ArtifactError(kind.__name__, f"cannot be made of its fields: {error}") from error


def _array_from_plain(plain: dict[str, Plain], arrays: Callable[[str], Array]) -> Array:
    name, shape = str(plain["array"]), plain.get("shape")
    wrong = ArtifactError(f"array {name}", "is not written as an array of a shape")
    if not name.isdigit() or not isinstance(shape, list):
        raise wrong
    try:
        return readonly(np.broadcast_to(arrays(name), shape))
    except (TypeError, ValueError) as error:
        raise wrong from error


def _mapping_from_plain(pairs: Plain, arrays: Callable[[str], Array]) -> dict[Any, Any]:
    read = from_plain(pairs, arrays)
    try:
        return {key: value for key, value in read}
    except (TypeError, ValueError) as error:
        raise ArtifactError("mapping", "is not written as pairs") from error
