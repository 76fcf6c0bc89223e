"""The placed network as SANA-FE's snn.yaml, every synapse by itself.

The format is that of SANA-FE's snn/README.md. Its neurons fire above the threshold and not at it,
and start at 0. So every membrane is half a unit higher than ours, and run.py adds that and v_init
to the first bias.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from neurocomp.arrays import Array
from neurocomp.backends.host import npz
from neurocomp.backends.sanafe.architecture import SOMAS, address, chips_of, mesh_of
from neurocomp.errors import CapacityError, UnsupportedError
from neurocomp.mapping.demand import model
from neurocomp.program import Program
from neurocomp.snn.boxes import whole
from neurocomp.snn.channels import edges_read
from neurocomp.snn.network import Population, Projection
from neurocomp.snn.neurons import IntegrateAndFire

MOST_SYNAPSES = 10_000_000  # SANA-FE takes about 700 bytes for each
NEVER = "1.0e+300"  # a threshold
HALF = 0.5  # of the least unit of a membrane


def network(program: Program) -> str:
    """Write snn.yaml. Raises UnsupportedError where SANA-FE cannot express the network."""
    net = program.network
    _refuse(program)
    groups = {p.name: f"p{n:04d}" for n, p in enumerate(net.populations)}  # it sorts them by name
    lines = [
        "# Placed by neurocomp. Thresholds, weights and biases are the chip's integers. What a",
        "# sample adds to the biases, the first potentials and the first steps are set by run.py.",
        "network:",
        f"  name: {program.target.name}",
        "  groups:",
    ]
    for p in net.populations:
        lines += _group(p, groups[p.name], p.name == net.readout)
    lines.append("  edges:" if net.projections else "  edges: []")
    for j in net.projections:
        lines += _edges(j, groups[j.source], groups[j.target])
    lines.append("mappings:")
    for p in net.populations:
        lines += _mapped(program, p, groups[p.name])
    return "\n".join(lines) + "\n"


def settings(program: Program) -> bytes:
    """Give neurons.npz: what run.py adds to the first bias of each population, and when."""
    populations = program.network.populations
    first = {
        f"p{n}.first": (p.v_init + (HALF if _fires(p) else 0.0)).ravel().astype(np.float64)
        for n, p in enumerate(populations)
    }
    starts = np.array([p.start_step for p in populations], dtype=np.int64)
    offsets = np.array([HALF if _fires(p) else 0.0 for p in populations])
    return npz({**first, "starts": starts, "offsets": offsets})


def _fires(population: Population) -> bool:
    return isinstance(population.neuron, IntegrateAndFire)


def _refuse(program: Program) -> None:
    """Raise UnsupportedError or CapacityError for what SANA-FE cannot do."""
    net = program.network
    mesh_of(program.target)
    if not net.integer:
        wrong = "computes in float, SANA-FE's copy is exact in integers only"
        raise UnsupportedError(program.target.name, wrong, "use a target with [arithmetic]")
    other = [p.name for p in net.populations if model(p.neuron) not in SOMAS]
    if other:
        wrong = f"SANA-FE has neurons that reset by {', '.join(SOMAS)} only"
        raise UnsupportedError(", ".join(other), wrong, "compile for another backend")
    bounded = [p.name for p in net.populations if getattr(p.neuron, "membrane", None) is not None]
    if bounded:
        wrong = "has membranes that leave their bits, those of SANA-FE are as wide as a double"
        raise UnsupportedError(bounded[0], wrong, "compile without --membrane-bits")
    for j in net.projections:
        where = f"{j.source} -> {j.target}"
        if j.delay_steps > 1:
            wrong = f"delays by {j.delay_steps} steps, SANA-FE 2.2.9 loses delayed spikes"
            raise UnsupportedError(where, wrong, "compile for another backend")
        if net.population(j.target).start_step > net.population(j.source).start_step + 1:
            wrong = f"spikes reach {j.target} before it starts, and SANA-FE does not drop them"
            raise UnsupportedError(where, wrong, "compile without --clamp")
    synapses = sum(j.synapse.fan_in(whole(j.synapse.post_shape)) for j in net.projections)
    if synapses > MOST_SYNAPSES:
        wrong = f"has {synapses:,} synapses, SANA-FE holds about {MOST_SYNAPSES:,} in 8 GB"
        raise CapacityError("the network", wrong, "use `neurocomp map`, which counts them")


def _group(population: Population, name: str, readout: bool) -> Iterator[str]:
    kind, neuron = model(population.neuron), population.neuron
    yield f"    - name: {name}  # {_plain(population.name)}"
    yield "      attributes:"
    for attribute in (
        f"soma_hw_name: {kind}",
        f"reset_mode: {SOMAS[kind]}",
        f"reset: {HALF if kind == 'zero' else 0.0}",
        "force_update: true",
        f"log_spikes: {'false' if kind == 'accumulator' else 'true'}",
        f"log_potential: {'true' if readout else 'false'}",
    ):
        yield f"        {attribute}"
    yield "      neurons:"
    count = int(np.prod(population.shape))
    thresholds = (
        [str(v) for v in neuron.v_threshold.ravel().tolist()]
        if isinstance(neuron, IntegrateAndFire)
        else [NEVER] * count
    )
    biases = np.broadcast_to(population.bias, population.shape).ravel().tolist()
    both = [f"{{threshold: {v}, bias: {b}}}" for v, b in zip(thresholds, biases, strict=True)]
    for (first, last), value in _runs(both):
        yield f"        - {first}..{last}: {value}"


def _edges(projection: Projection, source: str, target: str) -> list[str]:
    """List every synapse, those of weight 0 too, of the channels that are read: they are stored."""
    edges = edges_read(projection.synapse, whole(projection.synapse.post_shape))
    weights = (edges.weight.astype(np.int64) << projection.weight_exponent).tolist()
    each = zip(edges.pre.tolist(), edges.post.tolist(), weights, strict=True)
    return [f"    - {source}.{a} -> {target}.{b}: {{weight: {w}}}" for a, b, w in each]


def _mapped(program: Program, population: Population, name: str) -> Iterator[str]:
    """Map each run of neurons, in flat order, to its core."""
    mesh, chips = mesh_of(program.target), chips_of(program)
    at: Array = np.full(population.shape, "", dtype=object)
    for block, place in program.placement.cores.items():
        if block.population == population.name:
            at[block.box.slices] = address(mesh, chips, place)
    for (first, last), core in _runs(at.ravel().tolist()):
        yield f"  - {name}.{first}..{last}: {{core: {core}}}"


def _runs(values: list[str]) -> Iterator[tuple[tuple[int, int], str]]:
    """Give each run of equal values with its first and last index."""
    ends = [0, *(i for i in range(1, len(values)) if values[i] != values[i - 1]), len(values)]
    for first, end in pairwise(ends):
        yield (first, end - 1), values[first]


def _plain(name: str) -> str:
    """Give a name from the user's model as a comment of one line."""
    return "".join(c if c.isprintable() else "?" for c in name)
