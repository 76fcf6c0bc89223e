"""The text form of a network: one line a part, for people and for golden files."""

from collections.abc import Iterable

import numpy as np

from neurocomp.arrays import Array
from neurocomp.snn.network import Network, Population
from neurocomp.snn.neurons import Graded, IntegrateAndFire, Integrating, MaxIntegrateAndFire
from neurocomp.snn.synapses import Conv, Pooled, Synapse, Window


def text(network: Network) -> str:
    """Write `network` as text: inputs, then each population with what leads into it."""
    kind = "integer" if network.integer else "float"
    return "\n".join([f"network ({kind}), readout {network.readout}", *_lines(network)]) + "\n"


def _lines(network: Network) -> Iterable[str]:
    for i in network.inputs:
        moved = f", of samples {_shape(i.sample_shape)}" if i.order != (0, 1, 2) else ""
        shape = f"{_shape(i.shape)}{moved}"
        yield f"  input {i.name} {shape} in [{i.low:g}, {i.high:g}], grid {i.grid:g}"
    for p in network.populations:
        yield f"  population {p.name} {_shape(p.shape)} {_neuron(p)}"
        for c in network.currents:
            if c.target == p.name:
                yield f"    current from {c.source}: {_synapse(c.synapse)}, quantum {c.quantum:g}"
        for j in network.into(p.name):
            more = f", weights x 2^{j.weight_exponent}" if j.weight_exponent else ""
            more += ", resets" if j.resets else ""
            yield f"    from {j.source}: {_synapse(j.synapse)}, delay {j.delay_steps}{more}"


def _neuron(population: Population) -> str:
    neuron = population.neuron
    words = [type(neuron).__name__, f"start {population.start_step}"]
    if isinstance(neuron, IntegrateAndFire):
        words[1:1] = [f"reset {neuron.reset}", f"v_threshold {_range(neuron.v_threshold)}"]
    if isinstance(neuron, MaxIntegrateAndFire):
        words[1:1] = [f"v_threshold {_range(neuron.v_threshold)}"]
    if isinstance(neuron, Graded):
        words[1:1] = [f"quantum {neuron.quantum:g}"]
    if isinstance(neuron, Integrating) and neuron.membrane is not None:
        words.append(f"membrane of {neuron.membrane.bits} bits, {neuron.membrane.overflow}")
    return ", ".join(
        [*words, f"v_init {_range(population.v_init)}", f"bias {_range(population.bias)}"]
    )


def _synapse(synapse: Synapse) -> str:
    if isinstance(synapse, Pooled):
        return f"{_synapse(synapse.inner)}, then {_synapse(synapse.window)}"
    kind = type(synapse).__name__
    words = [f"{kind} {_shape(synapse.weight.shape)} {_range(synapse.weight)}"]
    if isinstance(synapse, Window):
        words = [f"{kind} {_shape(synapse.kernel)}"]
    if isinstance(synapse, Conv | Window):
        words += [
            f"{what} {_shape(values)}"
            for what, values, plain in (
                ("strides", synapse.strides, (1, 1)),
                ("pads", synapse.pads, (0, 0, 0, 0)),
                ("dilations", synapse.dilations, (1, 1)),
            )
            if values != plain
        ]
    if isinstance(synapse, Conv) and synapse.groups != 1:
        words.append(f"groups {synapse.groups}")
    return ", ".join(words)


def _shape(shape: Iterable[int]) -> str:
    return "x".join(str(n) for n in shape)


def _range(values: Array) -> str:
    if not values.size:
        return "none"
    low, high = np.min(values), np.max(values)
    return f"{low:g}" if low == high else f"{low:g}..{high:g}"
