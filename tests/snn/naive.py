"""The meaning of the spiking network written a second time: loops over neurons, plain numbers.

It shares nothing with the package but the data it reads.
"""

from collections import defaultdict
from math import prod

import numpy as np

from neurocomp.arrays import Array
from neurocomp.snn.network import Network
from neurocomp.snn.neurons import IntegrateAndFire, MaxGate
from neurocomp.snn.synapses import Conv, Dense, Sparse, Synapse, Window

Inputs = dict[int, list[tuple[int, float]]]  # postsynaptic neuron -> (presynaptic one, weight)


def inputs_of(synapse: Synapse) -> Inputs:
    """List what each postsynaptic neuron reads, by loops; a window's taps outside are -1."""
    found: Inputs = defaultdict(list)
    if isinstance(synapse, Dense):
        for post, row in enumerate(synapse.weight.tolist()):
            found[post] = list(enumerate(row))
    elif isinstance(synapse, Sparse):
        for pre, post, weight in zip(
            synapse.pre.tolist(), synapse.post.tolist(), synapse.weight.tolist(), strict=True
        ):
            found[post].append((pre, weight))
    elif isinstance(synapse, Conv | Window):
        slide(synapse, found)
    return found


def slide(synapse: Conv | Window, found: Inputs) -> None:
    """Fill in the inputs of sliding windows."""
    channels, rows, columns = synapse.pre_shape
    if isinstance(synapse, Window):
        groups, kernel = channels, np.ones((channels, 1, *synapse.kernel))
    else:
        groups, kernel = synapse.groups, synapse.weight
    outs, ins, height, width = kernel.shape
    top, left, bottom, right = synapse.pads
    post = 0
    for out in range(outs):
        group = out // (outs // groups)
        for y in fitting(rows, top, bottom, height, synapse.strides[0], synapse.dilations[0]):
            for x in fitting(columns, left, right, width, synapse.strides[1], synapse.dilations[1]):
                for i in range(ins):
                    for ky in range(height):
                        for kx in range(width):
                            at_y = y + ky * synapse.dilations[0]
                            at_x = x + kx * synapse.dilations[1]
                            inside = 0 <= at_y < rows and 0 <= at_x < columns
                            pre = ((group * ins + i) * rows + at_y) * columns + at_x
                            if inside or isinstance(synapse, Window):
                                weight = float(kernel[out, i, ky, kx])
                                found[post].append((pre if inside else -1, weight))
                post += 1


def fitting(size: int, before: int, after: int, kernel: int, stride: int, dilation: int) -> range:
    """Give where windows start."""
    last = size + after - (kernel - 1) * dilation - 1
    return range(-before, last + 1, stride)


def matrix(synapse: Synapse) -> Array:
    """Give the synapse as (post, pre)."""
    whole = np.zeros((prod(synapse.post_shape), prod(synapse.pre_shape)))
    for post, leads in inputs_of(synapse).items():
        for pre, weight in leads:
            whole[post, pre] += weight
    return whole


def steady(network: Network, name: str, sample: Array) -> list[float]:
    """Give the drive of bias and currents, (neurons,), for one sample."""
    population = network.population(name)
    drive = [float(b) for b in population.bias.ravel()]
    (source,) = network.inputs
    clipped = [min(max(v, source.low), source.high) for v in sample.ravel().tolist()]
    x = [round(v / source.grid) * source.grid for v in clipped]
    for current in network.currents:
        if current.target == name:
            factor = np.broadcast_to(current.scale, population.shape).ravel() / current.quantum
            for post, leads in inputs_of(current.synapse).items():
                total = sum(weight * x[pre] for pre, weight in leads)
                drive[post] += round(total * factor[post]) * current.quantum
    return drive


def simulate(network: Network, sample: Array, length: int) -> tuple[dict[str, Array], Array]:
    """Run one sample; give spikes, population -> (steps, neurons), and the readout's membrane."""
    spikes = {p.name: np.zeros((length + 1, prod(p.shape)), int) for p in network.populations}
    v = {p.name: [float(n) for n in p.v_init.ravel()] for p in network.populations}
    constant = {p.name: steady(network, p.name, sample) for p in network.populations}
    leads = {id(j): inputs_of(j.synapse) for j in network.projections}
    fired_of: dict[str, Array] = {
        p.name: np.zeros((prod(p.shape), 99), int) for p in network.populations
    }
    readout = []
    for t in range(1, length + 1):
        for p in network.populations:
            if t < p.start_step:
                continue
            into = [j for j in network.projections if j.target == p.name]
            for neuron in range(prod(p.shape)):
                if isinstance(p.neuron, MaxGate):
                    (j,) = into
                    taps = [
                        spikes[j.source][max(t - j.delay_steps, 0), pre] if pre >= 0 else 0
                        for pre, _ in leads[id(j)][neuron]
                    ]
                    counts = fired_of[p.name][neuron]
                    counts[: len(taps)] += taps
                    best = sorted(range(len(taps)), key=lambda i, c=counts: (-c[i], i))[0]  # type: ignore[misc]
                    spikes[p.name][t, neuron] = taps[best]
                    continue
                drive = constant[p.name][neuron]
                for j in into:
                    then = t - j.delay_steps
                    if then >= 1:
                        drive += 2**j.weight_exponent * sum(
                            weight * spikes[j.source][then, pre]
                            for pre, weight in leads[id(j)][neuron]
                        )
                v[p.name][neuron] += drive
                if isinstance(p.neuron, IntegrateAndFire):
                    threshold = float(p.neuron.v_threshold.ravel()[neuron])
                    if not v[p.name][neuron] < threshold:
                        spikes[p.name][t, neuron] = 1
                        kept = v[p.name][neuron] - threshold
                        v[p.name][neuron] = kept if p.neuron.reset == "subtract" else 0.0
        readout.append(list(v[network.readout]))
    return {name: fired[1:] for name, fired in spikes.items()}, np.array(readout)


def simulate_without_delays(network: Network, sample: Array, steps: int) -> dict[str, Array]:
    """Run layer by layer, each for all of its steps, every spike arriving in the same step.

    Gives population -> (steps, neurons). Populations stand in running order.
    """
    spikes: dict[str, Array] = {}
    for p in network.populations:
        into = [j for j in network.projections if j.target == p.name]
        if isinstance(p.neuron, MaxGate):
            (j,) = into
            spikes[p.name] = _gate(spikes[j.source], inputs_of(j.synapse), prod(p.shape))
            continue
        drive = np.tile(steady(network, p.name, sample), (steps, 1))
        for j in into:
            drive = drive + 2**j.weight_exponent * spikes[j.source] @ matrix(j.synapse).T
        spikes[p.name] = _fire(p.neuron, p.v_init.ravel().astype(float), drive)
    return spikes


def _gate(source: Array, leads: Inputs, neurons: int) -> Array:
    """Give what gates pass on: the first of the taps with the largest cumulative count."""
    fired = np.zeros((len(source), neurons), int)
    padded = np.hstack([source, np.zeros((len(source), 1), int)])  # -1 reads the last: silence
    for neuron, taps in leads.items():
        each = padded[:, [pre for pre, _ in taps]]
        rank = each.cumsum(axis=0) * (len(taps) + 1) - np.arange(len(taps))
        fired[:, neuron] = each[np.arange(len(each)), rank.argmax(axis=1)]
    return fired


def _fire(neuron: object, v: Array, drive: Array) -> Array:
    """Give the spikes of independent neurons under `drive`, (steps, neurons)."""
    fired = np.zeros(drive.shape, int)
    if isinstance(neuron, IntegrateAndFire):
        threshold = neuron.v_threshold.ravel()
        for t, each in enumerate(drive):
            v = v + each
            fired[t] = np.floor_divide(v, threshold) >= 1
            rest = threshold if neuron.reset == "subtract" else v
            v = v - fired[t] * rest
    return fired
