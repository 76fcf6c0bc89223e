"""The larger networks in the simulators: every spike, of the whole, or of sampled cores' blocks.

What is emitted for Brian2 and Lava must spike as the integer network does. A network that they can
hold runs whole, against the oracle. Of a larger one every layer runs in blocks, each alone on the
recorded spikes of the layers before; then a weight of one block is emitted wrongly, on purpose.
"""

import io
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from unittest.mock import patch

import cifar
import efficientnet
import numpy as np
from digits import HERE
from fetch import (
    Images,
    cache,
    cifar10_net,
    cifar10_photos,
    efficientnet_lite0,
    fill,
    vgg16,
    vgg16_inputs,
)
from inception import MODULE, first_stages
from inception_net import images, inception_v3
from section import Row, Rows, Section, commits, table

import neurocomp as nc
from neurocomp import engine, simulation
from neurocomp.artifact import Files
from neurocomp.backends import Backend, backend
from neurocomp.backends.host import npz
from neurocomp.bycore import verify_by_core
from neurocomp.frontend.onnx import to_model
from neurocomp.mapping.demand import model
from neurocomp.mapping.placement import Block
from neurocomp.mapping.sample import sample
from neurocomp.program import Program
from neurocomp.snn.pairs import driving, other_half
from neurocomp.snn.synapses import Conv, Pooled, Synapse

RUN = "import sys; from neurocomp.cli import main; sys.exit(main(sys.argv[1:]))"


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A network, its inputs, and how it is compiled."""

    model: Callable[[], Path]
    inputs: Callable[[], Images]  # the first one is run
    samples: Callable[[], Images] | None = None  # to calibrate on, if others than those
    options: tuple[str, ...]  # of `neurocomp compile`
    blocks: tuple[str, ...] = ()  # of a layer in each simulator, for `verify`; none: it runs whole
    spoilt: str = ""  # the layer of the block that gets a wrong weight; "": none does


def inception_stages() -> Path:
    """Give the first stages of Inception-v3 as an ONNX file."""
    path = cache() / f"{inception_v3().stem}-{MODULE}.onnx"
    if not path.exists():
        made = to_model(first_stages()).SerializeToString()
        fill(path, lambda file: file.write(made))
    return path


DRIVE = ("--max-pool", "drive", "--ranges", "error")  # as chosen for the CIFAR-10 network
LATE = ("--clamp", "1", "--per", "layer", "--percentile", "100", "--steps", "8", "--moves", "0")
NETWORKS = {
    "CIFAR-10 network": Network(
        model=cifar10_net,
        inputs=lambda: cifar10_photos()[0],
        options=("--target", "large-cores.toml", "--per", "layer", "--steps", "32"),
    ),
    "CIFAR-10 network, float": Network(
        model=cifar10_net,
        inputs=lambda: cifar10_photos()[0],
        samples=lambda: cifar.parts(None)[0],
        options=("--target", "ideal", *DRIVE, "--steps", "64"),
    ),
    "CIFAR-10 network, 8 bits": Network(
        model=cifar10_net,
        inputs=lambda: cifar10_photos()[0],
        samples=lambda: cifar.parts(None)[0],
        options=(
            *("--target", "loihi2-numbers.toml", "--rounding", "least-squares", "--moves", "0"),
            *(*DRIVE, "--steps", "64"),
        ),
    ),
    "VGG-16": Network(
        model=vgg16,
        inputs=vgg16_inputs,
        options=("--target", "large-cores.toml", "--per", "layer", "--steps", "8"),
        blocks=("--cores", "40", "--cores", "lava=10"),
        spoilt="functional_1/block5_conv3_1/Relu",
    ),
    "Inception-v3 up to its first module": Network(
        model=inception_stages,
        inputs=lambda: images()[:2],
        options=("--target", "large-cores.toml", "--per", "layer", "--steps", "4"),
        blocks=("--cores", "8", "--cores", "lava=4"),
        spoilt="a1.3x3.2",
    ),
    "Inception-v3": Network(
        model=inception_v3,
        inputs=lambda: images()[:2],
        options=("--target", "large-cores.toml", "--per", "layer", "--steps", "4", "--moves", "0"),
        blocks=("--cores", "1"),
    ),
    "EfficientNet-Lite0, 8 bits": Network(
        model=efficientnet_lite0,
        inputs=lambda: efficientnet.samples("photos")[0],
        samples=efficientnet.calibration,
        options=("--target", "large-cores.toml", "--linear", "pairs", *LATE),
        blocks=("--cores", "1"),
        spoilt="block8.depthwise.relu6",
    ),
    "EfficientNet-Lite0, float": Network(
        model=efficientnet_lite0,
        inputs=lambda: efficientnet.samples("photos")[0],
        samples=efficientnet.calibration,
        options=("--target", "float-cores.toml", *LATE),
        blocks=("--cores", "1"),
        spoilt="block8.depthwise.relu6",
    ),
}


def measured(network: Network) -> Row:
    """Compile `network`, and verify it on the first of its inputs."""
    with tempfile.TemporaryDirectory() as kept:
        folder = Path(kept)
        x = network.inputs()
        np.savez(folder / "x.npz", inputs=x)
        samples = x if network.samples is None else network.samples()
        np.savez(folder / "samples.npz", inputs=samples)
        given = ["--samples", folder / "samples.npz", *network.options, "-o", folder / "build"]
        compiled = run("compile", network.model(), *given)
        how = network.blocks or ("--reference", "oracle")
        inputs = ["--inputs", folder / "x.npz", "--limit", "1"]
        verified = run("verify", folder / "build", *inputs, *how)
        artifact = nc.read(folder / "build")
        spoilt = found(artifact, x[:1], network.spoilt) if network.spoilt else None
    return {
        "options": " ".join(network.options),
        "cores": compiled["cores"],
        "chips": compiled["chips"],
        "synapses": compiled["synapses"],
        "kinds": {
            p.name: kind(artifact.program, p.name) for p in artifact.program.network.populations
        },
        "silent": silent(artifact, x[:1]),
        "verified": verified,
        "spoilt": spoilt,
    }


def run(*arguments: object) -> Row:
    """Run a command of neurocomp in `examples/paper`, and give its JSON."""
    command = [sys.executable, "-c", RUN, *map(str, arguments), "--json"]
    done = subprocess.run(command, cwd=HERE, stdout=subprocess.PIPE, text=True)
    given: Row = json.loads(done.stdout)
    if "error" in given:
        raise SystemExit(f"{' '.join(map(str, arguments))}: {given['error']}")
    return given


def kind(program: Program, name: str) -> str:
    """Name the synapses and the neurons of a layer."""
    network = program.network
    into = driving(network, name)
    fed = {form(p.synapse) for p in into}
    fed |= {f"input by {form(c.synapse)}" for c in network.currents if c.target == name}
    values = {p.source.removesuffix(" (on)").removesuffix(" (off)") for p in into}
    how = "sum of " if len(values) > 1 else ""
    paired = other_half(network, name) is not None
    neuron = "pair" if paired else model(network.population(name).neuron)
    return f"{how}{', '.join(sorted(fed))} -> {neuron}"


def form(synapse: Synapse) -> str:
    """Name a kind of synapses."""
    if isinstance(synapse, Pooled):
        return f"{form(synapse.inner)}, pooled"
    if not isinstance(synapse, Conv):
        return type(synapse).__name__.lower()
    rows, columns = synapse.kernel
    alone = synapse.groups > 1 and synapse.weight.shape[1] == 1
    stride = "" if synapse.strides == (1, 1) else f", stride {max(synapse.strides)}"
    return f"{'depthwise' if alone else 'conv'} {rows} x {columns}{stride}"


def silent(artifact: nc.Artifact, x: Images) -> list[str]:
    """Name the layers that send no spike, the readout apart."""
    network, steps = artifact.program.network, artifact.program.steps
    inputs = {i.name: x for i in network.inputs}
    counts = engine.simulate(network, inputs, network.run_length(steps)).counts
    return [n for n, each in counts.items() if n != network.readout and not each.any()]


def found(artifact: nc.Artifact, x: Images, layer: str) -> Row:
    """Spoil a weight of the second of the sampled blocks of `layer`, and say where it is found."""
    program = artifact.program
    block = sample(program.placement, program.target, 1, 0)[layer][:2][-1]

    def wrong(name: str) -> Backend:
        return backend(name)._replace(emit=lambda program: spoil(program, block))

    with patch.object(simulation, "backend", wrong):
        report = verify_by_core(artifact, x, ["brian2"], cores={"brian2": 1})
    first = report.first.get("brian2")
    return {
        "block": str(block),
        "wrong_layers": [p.name for p in report.layers if p.mismatches["brian2"]],
        "found": None if first is None else str(first),
        "at": None if first is None else str(first.block),
    }


def spoil(program: Program, block: Block) -> Files:
    """Emit `program` for Brian2 with the largest weight of `block`, where it is there, 1 larger."""
    entries = dict(backend("brian2").emit(program).entries)
    lines = str(entries["brian2/run.py"]).splitlines()
    for line in (line for line in lines if line.startswith("# s")):
        name, ends = line.removeprefix("# ").split(":", 1)
        if ends.split(" -> ")[1].startswith(repr(str(block))):
            with np.load(io.BytesIO(entries[f"brian2/{name}.npz"])) as kept:
                arrays = dict(kept)
            arrays["weights"] = arrays["weights"].copy()
            arrays["weights"][arrays["weights"].argmax()] += 1
            entries[f"brian2/{name}.npz"] = npz(arrays)
    return Files(entries)


def rows(limit: int | None) -> dict[str, Callable[[], Row]]:
    """Give what measures each network; one input is enough, whatever the limit."""
    return {name: partial(measured, network) for name, network in NETWORKS.items()}


def page(rows: Rows) -> list[str]:
    """Write what was run of each network, and of each kind of layer, and what differed."""
    cut = {name: row for name, row in rows.items() if "by_core" in row["verified"]}
    whole = {name: row for name, row in rows.items() if name not in cut}
    lines = [
        "## The larger networks in Brian2 and Lava",
        "",
        f"One input each, commit {commits(rows)}.",
    ]
    if whole:
        lines += ["", *_whole(whole)]
    for name, row in cut.items():
        lines += ["", *_cut(name, row)]
    return [*lines, ""]


def _whole(rows: Rows) -> list[str]:
    head = ["whole", "neurons", "synapses", "steps", "spikes", "Brian2 differs", "Lava differs"]
    cells = []
    for name, row in rows.items():
        populations, backends = row["verified"]["populations"], row["verified"]["backends"]
        cells.append(
            [
                f"{name}, `{row['options']}`",
                f"{sum(p['neurons'] for p in populations):,}",
                f"{row['synapses']:,}",
                row["verified"]["steps"],
                f"{sum(p['spikes'] for p in populations):,}",
                *(backends[b]["mismatches"] if b in backends else "" for b in ("brian2", "lava")),
            ]
        )
    return [
        "Every spike of every neuron at every step, against the integer network's in the oracle.",
        "",
        *table(head, cells),
    ]


def _spoilt(row: Row) -> str:
    wrong = ", ".join(row["wrong_layers"]) or "nothing"
    text = f"With the largest weight of block `{row['block']}` emitted 1 larger, it is found in"
    return f"{text} {wrong}: {row['found']}."


def _silent(names: list[str]) -> str:
    return f"No spike is sent by {', '.join(names)}." if names else "Every layer sends spikes."


def _cut(name: str, row: Row) -> list[str]:
    verified, spoilt = row["verified"], row["spoilt"]
    kinds: dict[str, list[Row]] = {}
    for layer in verified["populations"]:
        kinds.setdefault(row["kinds"][layer["name"]], []).append(layer)
    head = [
        "kind of layer",
        "layers",
        "neurons",
        "blocks",
        "in Brian2",
        "in Lava",
        "values",
        "differ",
    ]
    cells = [
        [
            what,
            len(each),
            f"{sum(p['neurons'] for p in each):,}",
            f"{sum(p['blocks'] for p in each):,}",
            *(sum(p["run"][b] for p in each) for b in ("brian2", "lava")),
            f"{sum(sum(p['values'].values()) for p in each):,}",
            sum(sum(p["mismatches"].values()) for p in each),
        ]
        for what, each in kinds.items()
    ]
    return [
        f"{name}, `{row['options']}`: {row['synapses']:,} synapses on {row['cores']:,} cores of "
        f"{row['chips']} chips. Blocks of every layer, each alone on the recorded spikes of its",
        "sources. The spikes of the engine, which recorded them, and every spike and membrane of",
        "Brian2 and Lava are compared with the oracle's.",
        "",
        *table(head, cells),
        *(["", _silent(row["silent"])] if "silent" in row else []),
        *(["", _spoilt(spoilt)] if spoilt else []),
    ]


SECTION = Section(name="exact", rows=rows, page=page)
