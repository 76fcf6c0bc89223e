"""`neurocomp show`: what an artifact, a model or a target holds."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from neurocomp.build import read, report
from neurocomp.cli.arguments import InputShape, shape
from neurocomp.cli.console import say
from neurocomp.cli.console import show as show_table
from neurocomp.cli.costs import RATES, cost_json, show_cost
from neurocomp.cli.tables import counted, table
from neurocomp.cli.tables import precision as precision_table
from neurocomp.cli.tables import utilisation as utilisation_table
from neurocomp.errors import ModelError
from neurocomp.frontend.onnx import load
from neurocomp.hw.read import ARITHMETIC, load_target, target_names
from neurocomp.hw.target import CONNECTIONS, EVENTS, POWER, TIMES, Mesh, Target
from neurocomp.mapping.placement import Placement
from neurocomp.mapping.sample import by_population
from neurocomp.mapping.utilisation import utilisation
from neurocomp.snn.text import text

MOST_ROWS = 200  # of blocks


def show(
    what: Annotated[str, typer.Argument(help="An artifact, an ONNX file, or a target.")],
    input_shape: InputShape = None,
) -> int:
    """Show what an artifact, a model or a target holds."""
    path = Path(what)
    if path.is_dir():
        _show_artifact(path)
    elif path.suffix == ".toml" or (what in target_names() and not path.is_file()):
        _show_target(load_target(what))
    elif path.is_file():
        _show_model(path, input_shape)
    else:
        targets = ", ".join(target_names())
        raise ModelError(what, "is no artifact, file or target", f"targets are {targets}")
    return 0


def _show_artifact(path: Path) -> None:
    artifact = read(path)
    program = artifact.program
    say(text(program.network).rstrip())
    used = utilisation(program.placement, program.target)
    title = f"{program.target.title}: {counted(used.cores, 'core')}"
    show_table(_blocks(program.placement, title))
    if program.precision:
        show_table(precision_table(program.precision))
    show_table(utilisation_table(used))
    if program.cost is not None:
        show_cost(program.cost, cost_json(program.cost, RATES, program.steps))
    made = artifact.manifest
    say(f"compiled by neurocomp {made['neurocomp']}, digest {made['digest']}")
    found = report(path)
    if "verify" in found:
        checked = found["verify"]
        verdict = "exact" if checked["exact"] else "NOT exact"
        say(f"verified: {verdict}, {', '.join(checked['backends'])}, {checked['samples']} samples")
    if "verify_by_core" in found:
        _show_by_core(found["verify_by_core"])


def _blocks(placement: Placement, title: str) -> Table:
    """Give one row a block; where these are too many to read, one a population."""
    resources = next(iter(placement.demand.values()), {})
    named = [f"#{name}" for name in resources]
    if len(placement.cores) <= MOST_ROWS:
        rows = (
            (str(block), place.chip, f"({place.row}, {place.column})", *demand.values())
            for block, place in placement.cores.items()
            for demand in [placement.demand[block]]
        )
        return table(title, ["block", "#chip", "#core", *named], rows)
    each = (
        (
            name,
            len(blocks),
            len({placement.cores[b].chip for b in blocks}),
            *(max(placement.demand[b][r] for b in blocks) for r in resources),
        )
        for name, blocks in by_population(placement).items()
    )
    return table(
        f"{title}; the most of any block", ["blocks of", "#blocks", "#chips", *named], each
    )


def _show_by_core(checked: dict[str, Any]) -> None:
    verdict = "exact" if checked["exact"] else "NOT exact"
    ran = (
        f"{name} {each['blocks']:,} of {counted(checked['blocks'], 'block')}"
        for name, each in checked["backends"].items()
    )
    say(f"verified core by core: {verdict}, {', '.join(ran)}, {checked['samples']} samples")


def _show_model(path: Path, input_shape: str | None) -> None:
    graph = load(path, shape(input_shape))
    rows = (
        (n.name, type(n.op).__name__, n.op.role, ", ".join(n.inputs), _text(graph.shapes[n.name]))
        for n in graph.nodes
    )
    title = f"{path}: {graph.input} {_text(graph.input_shape)} -> {graph.output}"
    show_table(table(title, ["value", "operator", "role", "inputs", "#shape"], rows))


def _show_target(target: Target) -> None:
    say(f"{target.name}: {target.title}")
    say(f"network: {_network(target.mesh)}")
    numbers: list[tuple[str, object]] = []
    for core in target.kinds:
        cores = f"cores {core.name}" if core.name else "cores"
        numbers.append((f"{cores} of a chip", core.count))
        numbers += [(f"limit of a core: {name}", limit) for name, limit in core.limits.items()]
    numbers += [(f"compartments of {name}", n) for name, n in target.compartments.items()]
    numbers += [
        ("one threshold per", target.threshold_per),
        ("one bias per", target.bias_per),
        ("one initial potential per", target.v_init_per),
        ("largest delay, steps", target.max_delay_steps),
    ]
    numbers += [(f"at most: {CONNECTIONS[name]}", n) for name, n in target.connections.items()]
    if target.layers is not None:
        numbers += [
            (f"layer: {name.replace('_', ' ')}", _listed(getattr(target.layers, name)))
            for name in target.layers.__slots__
        ]
    if target.arithmetic is not None:
        widths = target.arithmetic
        published = (*ARITHMETIC, "overflow")
        numbers += [(name.replace("_", " "), getattr(widths, name)) for name in published]
    show_table(table("", ["what", "#value"], ((what, _published(n)) for what, n in numbers)))
    pj, ns, mw = target.energy_pj, target.time_ns, target.power_mw
    six = target.mesh is not None and target.mesh.links == 6
    known = {e: text for e, text in EVENTS.items() if six or e != "diagonal_hop"}
    rows = [(text, _published(pj.get(e)), _published(ns.get(e))) for e, text in known.items()]
    rows.append((TIMES["tick"], None, _published(ns.get("tick"))))
    show_table(table("", ["what happens", "#energy, pJ", "#time, ns"], rows))
    power = ((text, _published(mw.get(name))) for name, text in POWER.items())
    show_table(table("", ["what there is", "#power, mW"], power))
    show_table(table("sources", ["key", "source"], target.sources.items()))


def _network(mesh: Mesh | None) -> str:
    """Say in a line how cores are joined."""
    if mesh is None:
        return "one core that holds everything"
    if (mesh.width, mesh.height) == (1, 1):
        chip = f"a chip is one router with {counted(mesh.router_cores, 'core')}, no hops apart"
    else:
        each = counted(mesh.router_cores, "core")
        chip = f"a chip is a mesh of {mesh.width} x {mesh.height} routers with {each} each"
    if mesh.chips == 1:
        return f"{chip}; chips are not joined"
    most = "" if mesh.chips is None else f", up to {mesh.chips:,}"
    return f"{chip}; chips are a mesh of {mesh.links} links{most}"


def _published(value: object) -> object:
    return "not published" if value is None else value


def _listed(value: object) -> object:
    """Write a tuple as `1, 2, 4`."""
    return ", ".join(map(str, value)) if isinstance(value, tuple) else value


def _text(shape_: tuple[int, ...]) -> str:
    return "x".join(map(str, shape_))
