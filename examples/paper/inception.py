"""Inception-v3 of Table 1 in its published shape, with seeded weights: it converts, maps and runs.

What is trained is not to be had, so that nothing is said of accuracy: rates are compared with the
activations that they stand for. Each row is measured in a process of its own, whose peak memory is
then its own.
"""

import json
import resource
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from math import prod
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
from inception_net import SEEN, images, inception_v3
from section import TABLE, Line, Row, Rows, Section, commits

from neurocomp.ann.graph import Graph
from neurocomp.ann.ops import Conv
from neurocomp.compiler import Options, Prepared, prepare
from neurocomp.evaluation.layers import Tally, edges
from neurocomp.evaluation.run import Meter, Run
from neurocomp.frontend.onnx import load, opened, to_model
from neurocomp.hw.read import load_target
from neurocomp.mapping.cost import cost
from neurocomp.mapping.lay import lay
from neurocomp.operations import ann_operations
from neurocomp.passes import DropUnused
from neurocomp.snn.boxes import whole
from neurocomp.snn.rates import assumed

KERNELS = Path(__file__).parents[2] / "benchmarks" / "mapping" / "kernels.toml"
MODULE = "a1"  # the first module; what is up to its end are "the first stages"
LONG, SHORT = 128, 64  # steps of the first stages, and of the whole network
RATE = 0.1  # spikes a neuron and step that the mapping assumes
PAPER_OPERATIONS = 11.44e9  # of the trained network, as the authors' log has it


def prepared(steps: int, max_pool: str, graph: Graph | None = None) -> Prepared:
    """Convert the network, calibrated on the photos that its batch normalisation has seen."""
    options = Options(steps=steps, max_pool=max_pool)
    return prepare(graph or load(inception_v3()), images()[:SEEN], options)


def converted() -> Row:
    """Import and convert the whole network."""
    inception_v3()
    start = process_time()
    graph = load(inception_v3())
    made = prepared(SHORT, "drive", graph).network
    seconds = process_time() - start
    return {
        "convolutions": sum(isinstance(n.op, Conv) for n in graph.nodes),
        "ann_operations": ann_operations(graph),
        "populations": len(made.populations),
        "neurons": sum(prod(p.shape) for p in made.populations),
        "synapses": sum(j.synapse.fan_in(whole(j.synapse.post_shape)) for j in made.projections),
        "depth": made.population(made.readout).start_step,
        "seconds": round(seconds, 1),
    }


def mapped() -> Row:
    """Map the whole network where each weight of a kernel is stored once, and pools have gates."""
    made = prepared(SHORT, "average").network
    plain = load_target(KERNELS)
    target = replace(plain, compartments={**plain.compartments, "max_gate": 1})
    start = process_time()
    found = lay(made, target, assumed(made, RATE))
    seconds = process_time() - start
    counted = cost(found)
    return {
        "neurons": counted.neurons,
        "cores": int(found.flow.shape[0]),
        "chips": found.floor.chips,
        "packets": round(counted.packets),
        "mean_hops": round(counted.mean_hops, 2),
        "seconds": round(seconds, 1),
    }


def stages() -> Row:
    """Compare rates and activations up to the end of the first module, on photos not seen."""
    return compared(prepared(LONG, "drive", first_stages()), LONG, images()[SEEN:])


def first_stages() -> Graph:
    """Give the network up to the end of the first module."""
    graph = load(inception_v3())
    return DropUnused()(Graph(**{**_fields(graph), "output": MODULE}))


def run_whole() -> Row:
    """Compare rates and activations of the whole network, on two photos not seen."""
    return compared(prepared(SHORT, "drive"), SHORT, images()[SEEN::2][:2])


def _fields(graph: Graph) -> dict[str, object]:
    return {n: getattr(graph, n) for n in ("input", "input_shape", "nodes", "units")}


def compared(made: Prepared, steps: int, photos: np.ndarray) -> Row:
    """Run `photos` for `steps` steps, layer by layer beside the trained network."""
    fires = {n.name for n in made.graph.nodes if n.op.role == "neuron"}
    names = [p.name for p in made.network.populations if p.name in fires]
    run_ann = opened(to_model(made.graph, names), [made.graph.output, *names])
    meter, units = Meter(made.network, steps, names), made.graph.units
    tallies = {name: Tally(unit=units[name], edges=edges(steps)) for name in names}
    runs: list[Run] = []
    wanted: list[np.ndarray] = []
    start, wall = process_time(), perf_counter()
    for photo in photos[:, None]:
        values, run = run_ann(photo), meter.run(photo)
        for name, tally in tallies.items():
            tally.add(values[name], run.rates[name])
        runs.append(run)
        wanted.append(values[made.graph.output].ravel())
        print(f"  {len(runs)} of {len(photos)} images", file=sys.stderr, flush=True)
    seconds, wall = process_time() - start, perf_counter() - wall
    got = np.stack([run.trace[0, -1] for run in runs]) / steps
    ann = np.stack(wanted)
    layers = [tally.layer(name, None, None) for name, tally in tallies.items()]
    return {
        "images": len(photos),
        "steps": steps,
        "engine": str(meter.engine),
        "operations": round(float(np.mean([run.spent[0, 0, -1] for run in runs]))),
        "ann_operations": ann_operations(made.graph),
        "output_pearson": round(float(np.corrcoef(got.ravel(), ann.ravel())[0, 1]), 4),
        "output_rms": round(float(np.sqrt(((got - ann) ** 2).mean()) / ann.std()), 4),
        "same_class": int((got.argmax(axis=1) == ann.argmax(axis=1)).sum()),
        "layers": {
            layer.name: {
                "neurons": layer.neurons,
                "pearson": round(layer.pearson, 4),
                "rms": round(layer.rms, 4),
                "saturated": round(layer.saturated, 5),
                "dead": round(layer.dead, 5),
            }
            for layer in layers
        },
        "seconds_an_image": round(seconds / len(photos), 1),
        "wall_seconds_an_image": round(wall / len(photos), 1),
    }


MEASURED: dict[str, Callable[[], Row]] = {
    "converted": converted,
    "mapped": mapped,
    "first stages": stages,
    "whole": run_whole,
}


def apart(name: str) -> Row:
    """Measure one row in a process of its own."""
    done = subprocess.run([sys.executable, __file__, name], stdout=subprocess.PIPE, check=True)
    row: Row = json.loads(done.stdout)
    return row


def page(rows: Rows) -> list[str]:
    """Write what was found, row by row, and the least correlated layers."""
    lines = [
        "## Inception-v3",
        "",
        f"Commit {commits(rows)}. The published shape, 94 convolutions on 299 x 299 without the",
        "auxiliary head, with seeded weights (He-scaled) and batch normalisation of 16 photos,",
        "which also calibrate. No trained weights are to be had here, so this compares rates with",
        "activations and says nothing of accuracy. CPU seconds; memory is the process's peak.",
        "",
    ]
    if "converted" in rows:
        row = rows["converted"]
        lines += [
            f"* It imports ({row['convolutions']} convolutions, {row['ann_operations']:,} "
            f"operations; the authors' log: 11.44 G) and converts to {row['populations']} "
            f"populations, {row['neurons']:,} neurons and {row['synapses']:,} synapses (the paper: "
            f"8.97 M, 5.7 G), {row['depth']} steps deep, in {row['seconds']:.0f} s and {_gb(row)}.",
        ]
    if "mapped" in rows:
        row = rows["mapped"]
        lines += [
            f"* It maps, max pools as gates ({row['neurons']:,} neurons, those that pass on "
            f"partial sums among them), to {row['cores']:,} cores on {row['chips']} chips of "
            "Loihi 1's limits where a kernel's weights are stored once a core "
            f"(benchmarks/mapping/kernels.toml), in {row['seconds']:.0f} s and "
            f"{_gb(row)}; at {RATE} spikes a neuron {row['packets']:,} packets a step, "
            f"{row['mean_hops']} hops each.",
        ]
    for name, what in (("first stages", f"Up to the end of module {MODULE}"), ("whole", "Whole")):
        if name in rows:
            lines += _agreement(rows[name], what)
    if "whole" in rows:
        lines += [
            "",
            "In these random weights small differences grow from layer to layer: deep in the",
            "network rates follow activations only loosely at this T.",
        ]
    return [*lines, ""]


def _agreement(row: Row, what: str) -> list[str]:
    layers = row["layers"]
    least = min(layers, key=lambda name: layers[name]["pearson"])
    pearsons = sorted(layer["pearson"] for layer in layers.values())
    return [
        f"* {what}, T = {row['steps']}, {row['images']} images that did not calibrate: Pearson of "
        f"rates and activations at least {pearsons[0]:.4f} (*{least}*) and in the median of "
        f"{len(layers)} layers {pearsons[len(pearsons) // 2]:.4f}, RMS at most "
        f"{max(layer['rms'] for layer in layers.values()):.4f} of the range; output: Pearson "
        f"{row['output_pearson']:.4f}, RMS {row['output_rms']:.4f} of its standard deviation, "
        f"largest value in the same place for {row['same_class']}. {row['operations']:,} "
        f"operations (ANN {row['ann_operations']:,}), {row['seconds_an_image']:.0f} s an image, "
        f"{_gb(row)}.",
    ]


def _gb(row: Row) -> str:
    return f"{row['peak_mb'] / 1000:.1f} GB"


def lines(rows: Rows) -> list[Line]:
    """Give Table 1's counts."""
    if "converted" not in rows:
        return []
    row = rows["converted"]
    return [
        Line(
            where=TABLE,
            what="Inception-v3: operations of the ANN, neurons, synapses",
            paper="11.44 G, 8.97 M, 5.7 G",
            ours=f"{row['ann_operations'] / 1e9:.2f} G, {row['neurons'] / 1e6:.2f} M, "
            f"{row['synapses'] / 1e9:.2f} G",
            on="the published shape, seeded weights: no accuracy",
        )
    ]


SECTION = Section(
    name="inception",
    rows=lambda limit: {name: lambda name=name: apart(name) for name in MEASURED},
    page=page,
    lines=lines,
)

if __name__ == "__main__":
    made = MEASURED[sys.argv[1]]()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps({**made, "peak_mb": peak}))
