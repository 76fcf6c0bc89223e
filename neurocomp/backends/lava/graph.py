"""The text of graph.py: the network as Lava processes, written out."""

from collections.abc import Mapping
from dataclasses import dataclass

import networkx as nx

from neurocomp.arrays import Array
from neurocomp.backends.lava.connections import Connection, connection
from neurocomp.backends.lava.populations import base_exponent, population_text
from neurocomp.snn.network import Network, Projection
from neurocomp.snn.neurons import Accumulator, Graded, MaxIntegrateAndFire, Poisson, Recorded

Source = tuple[str, str, int]  # population, port, steps beyond the synapse's own

HEAD = '''"""The network as Lava processes: populations p0, p1... and projections s0, s1...

Their numbers are in arrays/, under the name of the process; bias and analog input are not: run.py
adds them up to each population's drive. Flat indices count channels, then rows, then columns.
Lava's (X, Y, Z) is (rows, columns, channels); its Conv flips kernels, so they are stored flipped.
Integer weights of Dense and Sparse are stored doubled and halved again by weight_exp: Lava's models
drop the lowest bit of weights of mixed signs.
"""

from pathlib import Path

import numpy as np
from lava.proc.conv.process import Conv
from lava.proc.dense.process import Dense
from lava.proc.sparse.process import Sparse
from scipy.sparse import csr_matrix
from snn_program.processes import Accumulator, Delay, IntegrateAndFire, MaxGate, Window

ARRAYS = Path(__file__).parent / "arrays"
'''
BODY = '''

def array(name):
    """Read one array."""
    return np.load(ARRAYS / f"{name}.npy", allow_pickle=False)


def sparse(name, shape):
    """Read a weight matrix, (post, pre)."""
    places = array(f"{name}_post"), array(f"{name}_pre")
    return csr_matrix((array(f"{name}_weight"), places), shape)


def build(run):
    """Give one process of each connected part of the network; running it runs its part."""
'''


@dataclass(frozen=True, eq=False, slots=True)
class Graph:
    """The text of graph.py, and the arrays it reads."""

    text: str
    arrays: Mapping[str, Array]


def graph(network: Network) -> Graph:
    """Write `network` as Lava processes. Raises UnsupportedError where a weight exceeds 8 bits."""
    names = {p.name: f"p{n}" for n, p in enumerate(network.populations)}
    blocks: list[str] = []
    arrays: dict[str, Array] = {}
    for population in network.populations:
        text, more = population_text(network, population, names[population.name])
        blocks.append(f"    # population {population.name!a}\n    {text}\n")
        arrays |= more
    delays: dict[Source, str] = {}
    for n, projection in enumerate(_speaking(network)):
        base = base_exponent(network, projection.target)
        graded = isinstance(network.population(projection.source).neuron, Graded)
        made = connection(projection, f"s{n}", base, network.integer, graded=graded)
        source, text = f"{names[projection.source]}.s_out", ""
        if not graded:  # synapses of graded neurons delay what they get themselves
            source, text = _source(network, projection, made.source_port, names, delays)
        blocks.append(text + _connection(projection, made, f"s{n}", source, names))
        arrays |= made.arrays
    blocks.append(f"    return [{', '.join(_roots(network, names))}]\n")
    tag = "fixed_pt" if network.integer else "floating_pt"
    head = HEAD.replace("MaxGate, Window", f"MaxGate, {_further(network)}Window")
    return Graph(f'{head}TAG = "{tag}"\n{BODY}' + "\n".join(blocks), arrays)


def _further(network: Network) -> str:
    """Name the processes that few networks need, for the import."""
    kinds = {type(p.neuron) for p in network.populations}
    rare = {
        Graded: "Graded, GradedSynapse",
        Poisson: "InputSpikes",
        Recorded: "InputSpikes",
        MaxIntegrateAndFire: "MaxIntegrateAndFire",
    }
    needed = dict.fromkeys(name for kind, name in rare.items() if kind in kinds)
    return "".join(f"{name}, " for name in needed)


def _speaking(network: Network) -> list[Projection]:
    """List the projections, without those from accumulators, which never spike."""
    return [
        p
        for p in network.projections
        if not isinstance(network.population(p.source).neuron, Accumulator)
    ]


def _source(
    network: Network,
    projection: Projection,
    port: str,
    names: Mapping[str, str],
    delays: dict[Source, str],
) -> tuple[str, str]:
    """Give the port that the synapses read, and the text that makes its Delay where that is new.

    A synapse process takes one step; a Delay, shared by all who need it, takes the rest.
    """
    spikes = f"{names[projection.source]}.{port}"
    steps = projection.delay_steps - 1
    if not steps:
        return spikes, ""
    key = projection.source, port, steps
    if key in delays:
        return f"{delays[key]}.s_out", ""
    name = delays[key] = f"d{len(delays)}"
    channels, rows, columns = network.population(projection.source).shape
    shape = (channels * rows * columns,) if port == "s_out" else (rows, columns, channels)
    text = f"    # spikes of {projection.source!a}, delayed by {steps} more\n"
    text += f'    {name} = Delay(name="{name}", run=run, shape={shape}, steps={steps})\n'
    return f"{name}.s_out", f"{text}    {spikes}.connect({name}.s_in)\n\n"


def _connection(
    projection: Projection, made: Connection, name: str, source: str, names: Mapping[str, str]
) -> str:
    arguments = "".join(f"        {a},\n" for a in (f'name="{name}"', *made.arguments))
    why = f"    # {made.why}\n" if made.why else ""
    return (
        f"    # {projection.source!a} -> {projection.target!a}\n{why}"
        f"    {name} = {made.kind}(\n{arguments}    )\n"
        f"    {source}.connect({name}.s_in)\n"
        f"    {name}.a_out.connect({names[projection.target]}.{made.target_port})\n"
    )


def _roots(network: Network, names: Mapping[str, str]) -> list[str]:
    """Name the first population of each connected part."""
    parts = nx.Graph()
    parts.add_nodes_from(names.values())
    parts.add_edges_from((names[p.source], names[p.target]) for p in _speaking(network))
    order = {name: n for n, name in enumerate(names.values())}
    return sorted(
        (min(part, key=order.__getitem__) for part in nx.connected_components(parts)),
        key=order.__getitem__,
    )
