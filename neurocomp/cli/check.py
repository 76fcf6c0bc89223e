"""`neurocomp check`: every node of a model, supported or not, and whether it fits a chip."""

from typing import Annotated, Any

import typer

from neurocomp.ann.graph import Graph
from neurocomp.cli.arguments import InputShape, Json, Model, shape
from neurocomp.cli.console import say, say_json
from neurocomp.cli.console import show as show_table
from neurocomp.cli.tables import counted, table
from neurocomp.compiler import rewrite
from neurocomp.convert import convert
from neurocomp.errors import CapacityError, UnsupportedError
from neurocomp.frontend.onnx import check as check_nodes
from neurocomp.frontend.onnx import load
from neurocomp.hw.read import load_target
from neurocomp.hw.target import Target
from neurocomp.mapping.chain import map_network
from neurocomp.mapping.utilisation import utilisation


def check(
    model: Model,
    target: Annotated[
        str | None, typer.Option("--target", "-t", help="Check it fits, too.")
    ] = None,
    input_shape: InputShape = None,
    json: Json = False,
) -> int:
    """Say of every node whether it is supported, rewritten or unsupported, why, and what to do."""
    chip = load_target(target) if target else None
    nodes = check_nodes(model, shape(input_shape))
    supported = all(n.status != "unsupported" for n in nodes)
    fit = _fit(load(model, shape(input_shape)), chip) if chip and supported else None
    ok = supported and (fit is None or fit["ok"])
    listed = [
        {
            "name": n.name,
            "kind": n.kind,
            "status": n.status,
            "reason": n.reason,
            "remedy": n.remedy,
        }
        for n in nodes
    ]
    if json:
        say_json({"ok": ok, "nodes": listed, **({"target": fit} if fit else {})})
        return 0 if ok else 1
    rows = (tuple(n.values()) for n in listed)
    show_table(table(str(model), ["node", "kind", "status", "reason", "remedy"], rows))
    unsupported = sum(n.status == "unsupported" for n in nodes)
    say(f"{len(nodes) - unsupported} of {len(nodes)} nodes are supported")
    if fit:
        say(fit["text"])
    return 0 if ok else 1


def _fit(graph: Graph, chip: Target) -> dict[str, Any]:
    """Say whether the network's structure fits the chip; ranges are known only with samples."""
    try:
        network = convert(rewrite(graph), 0.0, 1.0)
        placement = map_network(network, chip)
    except (CapacityError, UnsupportedError) as error:
        return {"name": chip.name, "ok": False, "text": f"{chip.name}: does not fit: {error}"}
    used = utilisation(placement, chip)
    taken = f"{counted(used.cores, 'core')}, {counted(used.chips, 'chip')}"
    return {
        "name": chip.name,
        "ok": True,
        "cores": used.cores,
        "chips": used.chips,
        "text": f"{chip.name}: fits on {taken}",
    }
