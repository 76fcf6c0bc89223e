"""Say of every node of an ONNX file whether it is supported, rewritten or unsupported, and why."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import onnx

from neurocomp.arrays import Shape
from neurocomp.frontend.nodes import (
    Reading,
    full_kind,
    graph_of,
    read_nodes,
    too_deep,
)
from neurocomp.frontend.prepare import Prepared, prepare
from neurocomp.frontend.sketch import read_sketch
from neurocomp.frontend.tidy import tidy

Status = Literal["supported", "rewritten", "unsupported"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeCheck:
    """The verdict on one node of the file."""

    name: str
    kind: str  # with the domain, if that is not the standard's
    status: Status
    reason: str = ""  # why it is not simply supported
    remedy: str = ""


def check(path: str | Path, input_shape: Shape | None = None) -> tuple[NodeCheck, ...]:
    """Check every node of the file at `path`, in the file's order; large weights are not held.

    Raises ModelError where the file as a whole cannot be used.
    """
    model, stored = read_sketch(Path(path))
    prepared = prepare(model, input_shape, stored)
    readings = {r.node.output[0]: r for r in read_nodes(prepared)}
    changes = _changes(prepared, tuple(readings.values()))
    return tuple(
        _verdict(
            node, prepared.names[node.output[0]], readings.get(node.output[0]), prepared, changes
        )
        for node in model.graph.node
    )


def _verdict(
    node: onnx.NodeProto,
    name: str,
    reading: Reading | None,
    prepared: Prepared,
    changes: dict[str, tuple[Status, str, str]],
) -> NodeCheck:
    kind = full_kind(node)
    if reading is None:
        folded = node.output[0] in prepared.constants
        reason = "becomes a constant" if folded else "is needed by no value of the network"
        return NodeCheck(name=name, kind=kind, status="rewritten", reason=reason)
    if reading.problem:
        wrong, remedy = reading.problem.wrong, reading.problem.remedy
        return NodeCheck(name=name, kind=kind, status="unsupported", reason=wrong, remedy=remedy)
    status, reason, remedy = changes.get(reading.name, ("supported", "", ""))
    return NodeCheck(name=name, kind=kind, status=status, reason=reason, remedy=remedy)


def _changes(
    prepared: Prepared, readings: tuple[Reading, ...]
) -> dict[str, tuple[Status, str, str]]:
    """Give what simplification does to each node, where all nodes could be read."""
    if any(r.op is None for r in readings):
        return {}
    graph = graph_of(prepared, readings)
    after = tidy(graph)
    changes: dict[str, tuple[Status, str, str]] = {}
    for node in graph.nodes:
        kept = after.index.get(node.name)
        if kept is None:
            changes[node.name] = "rewritten", "merges with its neighbours", ""
        elif type(kept.op) is not type(node.op):
            changes[node.name] = "rewritten", f"becomes {type(kept.op).__name__}", ""
    for name, wrong in too_deep(after).items():
        changes[name] = "unsupported", wrong, "use at most channels, rows and columns"
    return changes
