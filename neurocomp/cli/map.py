"""`neurocomp map`: whether a model fits a chip, on how many cores, what binds, what it costs."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from neurocomp.ann.graph import Graph
from neurocomp.cli.arguments import InputShape, Json, Model, Moves, Share, TargetName, shape
from neurocomp.cli.console import progress, say, say_json
from neurocomp.cli.console import show as show_table
from neurocomp.cli.costs import cost_json, layers_json, show_cost
from neurocomp.cli.tables import counted, table
from neurocomp.compiler import Options, prepare, rewrite
from neurocomp.convert import convert
from neurocomp.engine.rates import measured
from neurocomp.errors import CapacityError, ModelError
from neurocomp.frontend.onnx import load
from neurocomp.hw.read import load_target
from neurocomp.hw.target import Target
from neurocomp.mapping.advice import Advice, advise
from neurocomp.mapping.arrange import MOVES, Effort
from neurocomp.mapping.cost import Cost, cost
from neurocomp.mapping.lay import Layout, Wishes, lay
from neurocomp.samples import load_samples
from neurocomp.snn.network import Network
from neurocomp.snn.rates import Rates, assumed

MEASURED = 4  # samples that spike rates are measured on


def map_(
    model: Model,
    target: TargetName,
    samples: Annotated[
        Path | None, typer.Option("--samples", "-s", help="To measure spike rates on.")
    ] = None,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Need no samples: assume a spike rate.")
    ] = False,
    rate: Annotated[
        float, typer.Option(min=0, max=1, help="Spikes a neuron and step, with --estimate.")
    ] = 0.1,
    steps: Annotated[int, typer.Option(help="Steps a sample.")] = 64,
    groups: Annotated[
        bool | None,
        typer.Option(
            help="Cut input channels, blocks pass on partial sums.",
            show_default="where spikes are graded",
        ),
    ] = None,
    extra: Annotated[
        float, typer.Option(min=0, help="More cores a layer, as a share, for fewer hops.")
    ] = 0.1,
    share: Share = False,
    moves: Moves = MOVES,
    seed: Annotated[int, typer.Option(min=0, help="Of the moves.")] = 0,
    input_shape: InputShape = None,
    json: Json = False,
) -> int:
    """Say whether a network fits a chip, on how many cores, what binds, and what it costs."""
    chip = load_target(target)
    wishes = Wishes(groups=groups, extra=extra, share=share, effort=Effort(moves=moves, seed=seed))
    with progress(quiet=json) as observe:
        observe("convert", 0, 1)
        network, rates, source = _network(
            load(model, shape(input_shape)), samples, rate if estimate else None, steps
        )
        observe("map", 0, 1)
        try:
            layout = lay(network, chip, rates, wishes)
        except CapacityError as error:
            return _unfit(error, advise(network, chip), chip, json)
        found = cost(layout)
    summary = summarise(layout, found, source, steps)
    if json:
        say_json(summary)
    else:
        _print(layout, found, summary)
    return 0


def _network(
    graph: Graph, samples: Path | None, rate: float | None, steps: int
) -> tuple[Network, Rates, str]:
    """Give the spiking network, its rates, and where they are from."""
    if rate is not None:
        network = convert(rewrite(graph), 0.0, 1.0)
        return network, assumed(network, rate), f"assumed: {rate:g} spikes a neuron and step"
    if samples is None:
        raise ModelError("map", "needs samples, to measure rates", "give --samples or --estimate")
    inputs = load_samples(samples, graph.input_shape)
    network = prepare(graph, inputs, Options(steps=steps)).network
    few = {i.name: inputs[:MEASURED] for i in network.inputs}
    rates = measured(network, few, steps)
    return network, rates, f"measured on {min(MEASURED, len(inputs))} samples"


def summarise(layout: Layout, found: Cost, source: str, steps: int) -> dict[str, Any]:
    """Give what `neurocomp map --json` prints."""
    limits = layout.target.core.limits
    return {
        "fits": True,
        "target": layout.target.name,
        "cores": layout.flow.shape[0],
        "chips": layout.floor.chips,
        "resources": {
            name: {
                "fullest": int(each.max(initial=0)),
                "limit": limits.get(name),
                "share": float(each.mean() / limits[name]) if name in limits else None,
            }
            for name, each in layout.demand.items()
        },
        "binding": layers_json(layout.network, layout.target),
        "relays": {n: g.groups for n, g in layout.grids.items() if g.groups > 1},
        "relays_exact": layout.target.relay.exact,
        **cost_json(found, source, steps),
    }


def _unfit(error: CapacityError, advice: Advice, chip: Target, json: bool) -> int:
    """Say why it does not fit and what would make it fit."""
    if json:
        excesses = [asdict(e) for e in advice.excesses]
        say_json(
            {"fits": False, "error": str(error), "excesses": excesses, "changes": advice.changes}
        )
        return 1
    say(f"does not fit {chip.name}: {error}")
    rows = (
        (e.population, e.resource, e.needed, e.limit, f"{e.factor:.2f} x") for e in advice.excesses
    )
    show_table(table("one neuron takes", ["layer", "limit", "#needs", "#a core has", "#"], rows))
    for change in advice.changes:
        say(f"would fit: {change}")
    return 1


def _print(layout: Layout, found: Cost, summary: dict[str, Any]) -> None:
    rows = (
        (name, each["fullest"], each["limit"], each["share"] and f"{each['share']:.0%}")
        for name, each in summary["resources"].items()
    )
    columns = ["resource", "#fullest core", "#limit", "#mean share"]
    show_table(table(layout.target.title, columns, rows))
    worst = [(b["layer"], b["resource"], b["least_cores"]) for b in summary["binding"][:5]]
    show_table(table("what binds", ["layer", "resource", "#cores, at least"], worst))
    show_cost(found, summary)
    cores, chips = summary["cores"], summary["chips"]
    say(f"fits {layout.target.name}: {counted(cores, 'core')} on {counted(chips, 'chip')}")
    if summary["relays"]:
        rounded = "" if summary["relays_exact"] else "; on and off spikes round the sums"
        steps = sum(g - 1 for g in summary["relays"].values())
        say(f"partial sums: {len(summary['relays'])} layers, {steps} more steps{rounded}")
