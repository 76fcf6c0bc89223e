"""Projections as Brian2 Synapses: their arrays, and their part of run.py."""

from dataclasses import dataclass

import numpy as np

from neurocomp.arrays import Array
from neurocomp.snn.boxes import whole
from neurocomp.snn.network import Network, Projection
from neurocomp.snn.neurons import Accumulator, Graded, MaxGate
from neurocomp.snn.synapses import Dense, Pooled, Synapse, Window

FEW = 2**16  # whole weights of so small a range are counted, not sorted


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Wire:
    """A projection that carries spikes, under its name in run.py."""

    name: str  # s0, s1, ...
    projection: Projection
    source: int  # index of the population
    target: int
    graded: bool  # it carries numbers
    late: bool  # a spike of the last sample could arrive when the target has already started
    arrays: dict[str, Array]


def wires(network: Network) -> tuple[Wire, ...]:
    """Give the projections that carry spikes: their source fires and a weight is not zero."""
    names = [p.name for p in network.populations]
    found: list[Wire] = []
    for projection in _heard(network):
        arrays = _arrays(projection.synapse)
        target = network.population(projection.target)
        if any(len(values) for values in arrays.values()):
            found.append(
                Wire(
                    name=f"s{len(found)}",
                    projection=projection,
                    source=names.index(projection.source),
                    target=names.index(projection.target),
                    graded=isinstance(network.population(projection.source).neuron, Graded),
                    late=1 < projection.delay_steps >= target.start_step,
                    arrays=arrays,
                )
            )
    return tuple(found)


def _heard(network: Network) -> list[Projection]:
    heard = []
    for p in network.projections:
        silent = isinstance(network.population(p.source).neuron, Accumulator)
        gate = isinstance(network.population(p.target).neuron, MaxGate)
        if not silent and gate == isinstance(p.synapse, Window):
            heard.append(p)
    return heard


def _arrays(synapse: Synapse) -> dict[str, Array]:
    """Give what the synapse's .npz holds; empty arrays where no weight is other than zero."""
    if isinstance(synapse, Dense):
        return {"weights": synapse.weight if synapse.weight.any() else synapse.weight[:0]}
    edges = synapse.edges(whole(synapse.post_shape))
    kept = edges.weight != 0
    ends = {"pre": edges.pre[kept].astype(np.int32), "post": edges.post[kept].astype(np.int32)}
    if isinstance(synapse, Window):
        return ends | {"tap": edges.tap[kept].astype(np.int32)}
    weights, which = _distinct(edges.weight[kept])
    smallest = np.min_scalar_type(max(len(weights) - 1, 0))
    taps = {"tap": edges.tap[kept].astype(np.int32)} if isinstance(synapse, Pooled) else {}
    return ends | {"weights": weights, "which": which.astype(smallest)} | taps


def _distinct(weight: Array) -> tuple[Array, Array]:
    """Give the distinct weights, ascending, and the place of each among them."""
    low = int(weight.min(initial=0)) if weight.dtype.kind == "i" else 0
    span = int(weight.max(initial=0)) - low + 1 if weight.dtype.kind == "i" else 0
    if not 0 < span <= FEW:
        weights, which = np.unique(weight, return_inverse=True)
        return weights, which
    present = np.bincount(weight - low, minlength=span) > 0  # without sorting millions
    return np.nonzero(present)[0].astype(weight.dtype) + low, (np.cumsum(present) - 1)[weight - low]


def synapse_text(wire: Wire) -> str:
    """Write the Synapses of `wire`."""
    name, delay = wire.name, wire.projection.delay_steps
    steps = "1 step" if delay == 1 else f"{delay} steps"
    waits = delay > 1 and not wire.graded  # graded neurons keep their earlier messages
    late = f"\n    delay={delay - 1} * STEP," if waits else ""
    return f"""\
# {name}: {wire.projection.source!r} -> {wire.projection.target!r}, {steps} from spike to arrival
{name}_arrays = host.read_npz(HERE / "{name}.npz")
{name} = Synapses(
    p{wire.source},
    p{wire.target},
    "{_model(wire.projection.synapse)}",
    on_pre={_on_pre(wire)},{late}
    name="{name}",
)
{_connect(wire)}"""


def _model(synapse: Synapse) -> str:
    if isinstance(synapse, Pooled):
        return "tap : integer (constant)\\nw : 1 (constant)"
    return "tap : integer (constant)" if isinstance(synapse, Window) else "w : 1 (constant)"


def _on_pre(wire: Wire) -> str:
    synapse = wire.projection.synapse
    if wire.graded:
        kept = wire.projection.delay_steps - 1
        return f'"drive_post += w * {f"late{kept}_pre" if kept else "message_pre"}"'
    own = f" * int(t_in_timesteps % LENGTH >= {wire.projection.delay_steps - 1})"
    own = own if wire.late else ""  # what the last sample sent does not count
    if not isinstance(synapse, Window | Pooled):
        return f'"drive_post += w{own}"'
    taps = range(synapse.kernel[0] * synapse.kernel[1])
    weight = " * w" if isinstance(synapse, Pooled) else ""
    lines = [f"tap{k}_post += int(tap == {k}){weight}{own}" for k in taps]
    return '"""\n        ' + "\n        ".join(lines) + '\n    """'


def _connect(wire: Wire) -> str:
    name, arrays = wire.name, f"{wire.name}_arrays"
    exponent = wire.projection.weight_exponent
    scale = f" * 2.0**{exponent}" if exponent else ""
    if isinstance(wire.projection.synapse, Dense):
        return f"""\
post, pre = np.nonzero({arrays}["weights"])
{name}.connect(i=pre, j=post)
{name}.w = {arrays}["weights"][post, pre]{scale}
"""
    connect = f'{name}.connect(i={arrays}["pre"], j={arrays}["post"])'
    if isinstance(wire.projection.synapse, Window):
        return f'{connect}\n{name}.tap = {arrays}["tap"]\n'
    pooled = isinstance(wire.projection.synapse, Pooled)
    tap = f'{name}.tap = {arrays}["tap"]\n' if pooled else ""
    return f'{connect}\n{tap}{name}.w = {arrays}["weights"][{arrays}["which"]]{scale}\n'
