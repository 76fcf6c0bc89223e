"""`neurocomp map`: whether a model fits a chip, on how many cores, what binds, what it costs."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from neurocomp.ann.graph import Graph
from neurocomp.arrays import Array
from neurocomp.cli.arguments import (
    HalfThreshold,
    InputShape,
    Json,
    MaxPool,
    Model,
    Moves,
    Reset,
    Share,
    Spikes,
    TargetName,
    shape,
)
from neurocomp.cli.console import progress, say, say_json
from neurocomp.cli.console import show as show_table
from neurocomp.cli.costs import cost_json, layers_json, show_cost
from neurocomp.cli.tables import counted, table
from neurocomp.compiler import Options, prepare, with_passes
from neurocomp.convert import convert
from neurocomp.engine.rates import FEW, measured
from neurocomp.errors import CapacityError, ModelError
from neurocomp.frontend.onnx import load
from neurocomp.hw.read import load_target
from neurocomp.hw.target import Target
from neurocomp.mapping.advice import Advice, advise
from neurocomp.mapping.arrange import MOVES, Effort
from neurocomp.mapping.cost import Cost, cost
from neurocomp.mapping.lay import Wishes, lay
from neurocomp.mapping.layout import Layout
from neurocomp.samples import load_samples
from neurocomp.snn.network import Network
from neurocomp.snn.neurons import Given
from neurocomp.snn.rates import Rates, assumed


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
    spikes: Spikes = "analog",
    reset: Reset = "subtract",
    max_pool: MaxPool = "average",
    half_threshold: HalfThreshold = True,
    input_shape: InputShape = None,
    json: Json = False,
) -> int:
    """Say whether a network fits a chip, on how many cores, what binds, and what it costs."""
    chip = load_target(target)
    options = Options(
        steps=steps, spikes=spikes, reset=reset, max_pool=max_pool, half_threshold=half_threshold
    )
    wishes = Wishes(groups=groups, extra=extra, share=share, effort=Effort(moves=moves, seed=seed))
    with progress(quiet=json) as observe:
        observe("convert", 0, 1)
        network, rates, source = _network(
            load(model, shape(input_shape)), samples, rate if estimate else None, options
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
    graph: Graph, samples: Path | None, rate: float | None, options: Options
) -> tuple[Network, Rates, str]:
    """Give the spiking network, its rates, and where they are from."""
    if rate is not None:
        network = convert(with_passes(graph, options, {}), 0.0, 1.0)
        return network, assumed(network, rate), f"assumed: {rate:g} spikes a neuron and step"
    if samples is None:
        raise ModelError("map", "needs samples, to measure rates", "give --samples or --estimate")
    inputs = load_samples(samples, graph.input_shape)
    network = prepare(graph, inputs, options).network
    few = {i.name: inputs[:FEW] for i in network.inputs}
    rates = measured(network, few, options.steps)
    return network, rates, f"measured on {min(FEW, len(inputs))} samples"


def summarise(layout: Layout, found: Cost, source: str, steps: int) -> dict[str, Any]:
    """Give what `neurocomp map --json` prints."""
    return {
        "fits": True,
        "target": layout.target.name,
        "cores": layout.flow.shape[0],
        "chips": layout.floor.chips,
        "resources": {
            name: _resource(each, layout.limits(name)) for name, each in layout.demand.items()
        },
        "binding": layers_json(layout.network, layout.target),
        "layers": _layers(layout) if layout.target.layers else [],
        "relays": {n: g.groups for n, g in layout.grids.items() if g.groups > 1},
        "relays_exact": layout.target.relay.exact,
        **cost_json(found, source, steps),
    }


def _resource(each: Array, limits: Array | None) -> dict[str, Any]:
    """Give what the fullest core takes of a resource, its limit, and the mean share of it."""
    if limits is None:
        return {"fullest": int(each.max(initial=0)), "limit": None, "share": None}
    core = int(np.argmax(each / limits))
    share = float((each / limits).mean())
    return {"fullest": int(each[core]), "limit": int(limits[core]), "share": share}


def _layers(layout: Layout) -> list[dict[str, Any]]:
    """Say which core each layer got, what it takes of it, and what that has."""
    found = []
    for name, core in zip(layout.grids, layout.core.tolist(), strict=True):
        if not isinstance(layout.network.population(name).neuron, Given):
            row: dict[str, Any] = {"layer": name, "core": int(layout.seats[core])}
            for resource, each in layout.demand.items():
                limits = layout.limits(resource)
                if limits is not None:
                    row |= {resource: int(each[core]), f"{resource}_limit": int(limits[core])}
            found.append(row)
    return found


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
    if summary["layers"]:
        names = list(summary["layers"][0])
        each = [tuple(layer.values()) for layer in summary["layers"]]
        columns = ["layer", *(f"#{name.replace('_', ' ')}" for name in names[1:])]
        show_table(table("layers, each on a core of its own", columns, each))
    else:
        worst = [(b["layer"], b["resource"], b["least_cores"]) for b in summary["binding"][:5]]
        show_table(table("what binds", ["layer", "resource", "#cores, at least"], worst))
    show_cost(found, summary)
    cores, chips = summary["cores"], summary["chips"]
    say(f"fits {layout.target.name}: {counted(cores, 'core')} on {counted(chips, 'chip')}")
    if summary["relays"]:
        rounded = "" if summary["relays_exact"] else "; on and off spikes round the sums"
        steps = sum(g - 1 for g in summary["relays"].values())
        say(f"partial sums: {len(summary['relays'])} layers, {steps} more steps{rounded}")
