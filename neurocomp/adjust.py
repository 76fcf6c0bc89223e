"""Correct a converted network layer by layer until its rates have the trained network's mean.

What thresholds clip, steps round and earlier layers get wrong leaves channels with a mean error; a
constant current or a membrane's start takes it away. Source: Li et al. 2021, SNN calibration.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from neurocomp.ann.graph import Graph
from neurocomp.arrays import Array
from neurocomp.engine import Keep, stream
from neurocomp.frontend.onnx import opened, to_model
from neurocomp.observe import Observe
from neurocomp.snn.grid import snap
from neurocomp.snn.network import Network, Population
from neurocomp.snn.neurons import IntegrateAndFire, MaxIntegrateAndFire
from neurocomp.snn.upstream import idle, upstream

Adjustment = Literal["bias", "potential"]
BATCH = 32  # samples that the trained network runs at once
LARGEST = 0.45  # of the threshold, that one membrane's start is moved by


def adjust(
    network: Network,
    graph: Graph,
    samples: Array,
    steps: int,
    what: Adjustment,
    observe: Observe = lambda what, done, total: None,
) -> Network:
    """Give `network` with every layer's mean rate over `steps` steps corrected on `samples`.

    `graph` is what it was converted from, `samples` are (samples, *input shape).
    """
    layers = [p.name for p in network.populations if _adjustable(p) and p.name in graph.index]
    if not layers:
        return network
    observe(f"calibrate {what}", 0, len(layers))
    wanted = _wanted(network, graph, samples, layers)
    for done, name in enumerate(layers):
        population = network.population(name)
        error = wanted[name] - rates(network, name, samples, steps)
        made = _corrected(population, error, steps, what)
        network = replace(
            network,
            populations=tuple(made if p.name == name else p for p in network.populations),
        )
        observe(f"calibrate {what}", done + 1, len(layers))
    return network


def _wanted(
    network: Network, graph: Graph, samples: Array, layers: Sequence[str]
) -> dict[str, Array]:
    """Give the mean rates that stand for the trained network's activations, (*population shape)."""
    run = opened(to_model(graph, layers), layers)
    totals = {name: np.zeros(network.population(name).shape) for name in layers}
    for start in range(0, len(samples), BATCH):
        values = run(samples[start : start + BATCH])
        for name, total in totals.items():
            unit = np.asarray(graph.units.get(name, np.ones(1))).reshape(-1, 1, 1)
            total += np.minimum(values[name].reshape(-1, *total.shape) / unit, 1).sum(axis=0)
    return {name: total / len(samples) for name, total in totals.items()}


def _adjustable(population: Population) -> bool:
    neuron = population.neuron
    memory = isinstance(neuron, MaxIntegrateAndFire)
    return memory or (isinstance(neuron, IntegrateAndFire) and neuron.reset != "always")


def rates(network: Network, name: str, samples: Array, steps: int) -> Array:
    """Give the mean rate of the population called `name` over its first `steps` steps."""
    length = network.population(name).start_step + steps - 1
    keep = Keep(operations=False)
    count = np.zeros(network.population(name).shape)
    inputs = {network.inputs[0].name: samples}
    for part in stream(_until(network, name), inputs, length, keep=keep):
        count += part.counts[name].sum(axis=0)
    return count / (len(samples) * steps)


def _until(network: Network, name: str) -> Network:
    """Give the part of the network that `name` depends on, with a readout that gets nothing."""
    needed = upstream(network, [name])
    silent = idle(network.readout, network.population(name).bias.dtype)
    return replace(
        network,
        populations=(*(p for p in network.populations if p.name in needed), silent),
        projections=tuple(j for j in network.projections if j.target in needed),
        currents=tuple(c for c in network.currents if c.target in needed),
    )


def _corrected(population: Population, error: Array, steps: int, what: Adjustment) -> Population:
    """Add the channel's mean error to the bias, or what it makes over all steps to the start."""
    each = error.mean(axis=(1, 2), keepdims=True)
    shape = population.bias.shape
    whole = np.broadcast_to(each.reshape(-1, *(1,) * (len(shape) - 1)), shape)
    step = _grid(population)
    if what == "bias":
        return replace(population, bias=snap(population.bias + whole, step))
    moved = np.clip(steps * whole, -LARGEST, LARGEST)
    return replace(population, v_init=snap(population.v_init + moved, step))


def _grid(population: Population) -> float:
    """Give the step that the population's numbers are multiples of: their lowest common bit."""
    neuron = population.neuron
    numbers = [population.bias, population.v_init]
    if isinstance(neuron, IntegrateAndFire | MaxIntegrateAndFire):
        numbers.append(neuron.v_threshold)
    exponents = [_lowest(n) for n in numbers]
    return float(min(exponents))


def _lowest(values: Array) -> float:
    """Give the largest power of two that divides all of `values`, at least 2^-24."""
    whole = np.rint(np.asarray(values, dtype=np.float64) * 2.0**24).astype(np.int64)
    bits = whole[whole != 0]
    return float((bits & -bits).min()) * 2.0**-24 if bits.size else 1.0
