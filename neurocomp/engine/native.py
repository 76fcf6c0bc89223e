"""The compiled kernel: what it is given for a plan, and what comes back."""

from dataclasses import dataclass, replace
from importlib import import_module
from math import prod
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from neurocomp.arrays import Array
from neurocomp.engine.forms import Channels, Gather, Single, geometry
from neurocomp.engine.plan import (
    ACCUMULATE,
    GATE,
    POOL,
    STORED,
    Layer,
    Link,
    Plan,
    lanes,
    real_lanes,
    shared,
)
from neurocomp.engine.result import Keep, Result, packed
from neurocomp.errors import BackendError
from neurocomp.snn.estimates import Average, Exponential, Fir
from neurocomp.snn.network import Network, Population
from neurocomp.snn.neurons import MaxGate, Poisson
from neurocomp.snn.oracle import constant_drive

if TYPE_CHECKING:
    from neurocomp.engine.kernel import Machine

Samples = dict[str, Array]

INTERFACE = 2  # of the compiled module, as in native/plan.hpp
MODULE = "neurocomp.engine.kernel"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Kernel:
    """A plan in the compiled kernel's memory; the plan itself has given up its weights."""

    plan: Plan
    machine: "Machine"
    place: dict[str, int]


def module() -> ModuleType | None:
    """Give the compiled module, None where there is none.

    Raises BackendError where it was compiled for another version.
    """
    try:
        found = import_module(MODULE)
    except ModuleNotFoundError:
        return None
    speaks = getattr(found, "INTERFACE", 1)
    if speaks != INTERFACE:
        wrong = f"was compiled for interface {speaks}, this version speaks {INTERFACE}"
        raise BackendError(MODULE, wrong, "install neurocomp again, which compiles it")
    return found


def levels() -> tuple[str, ...]:
    """Name the builds of the kernel for this processor, the best first; none if not compiled."""
    found = module()
    return () if found is None else tuple(found.levels())


def load(plan: Plan) -> Kernel:
    """Copy a plan into the kernel."""
    machine: Machine = import_module(MODULE).Machine()
    place: dict[str, int] = {}
    for layer in plan.layers:
        n, p = layer.numbers, layer.population
        reached = n.threshold[..., 0] if n.threshold.ndim > 3 else n.threshold
        threshold = lanes(layer, reached, int(reached.max(initial=1)))
        threshold[:, p.shape[0] :] = np.int64(2**62) if n.wide else np.int64(2**31 - 1)
        window = layer.window
        place[p.name] = machine.add_population(
            shape=p.shape,
            model=layer.model,
            start=p.start_step,
            lanes=layer.lanes,
            wide=n.wide,
            kind=layer.kind,
            threshold=shared(threshold),
            v_init=lanes(layer, n.v_init),
            steady=shared(lanes(layer, n.bias)),
            seed=p.neuron.seed % 2**64 if isinstance(p.neuron, Poisson) else 0,
            inner=layer.inner,
            pool=None if window is None else geometry(window),
        )
    for layer in plan.layers:
        for link in layer.links:
            _link(machine, layer, link, place)
        _feed(machine, layer, place)
    light = tuple(replace(layer, links=()) for layer in plan.layers)
    return Kernel(plan=replace(plan, layers=light), machine=machine, place=place)


def _feed(machine: "Machine", layer: Layer, place: dict[str, int]) -> None:
    for a in layer.inputs:
        channels = layer.population.shape[0]
        weight = np.zeros((len(a.weight), layer.padded))
        weight[:, :channels] = a.weight
        factor = np.broadcast_to(a.factor, (channels, *np.shape(a.factor)[-2:]))
        whole = factor if factor[0].size == 1 else np.broadcast_to(factor, layer.population.shape)
        machine.add_current(
            target=place[layer.population.name],
            shape=a.pre_shape,
            geometry=a.geometry,
            weight=weight,
            factor=real_lanes(layer, whole),
            multiple=a.multiple,
        )


def _link(machine: "Machine", layer: Layer, k: Link, place: dict[str, int]) -> None:
    ends = {"target": place[layer.population.name], "source": place[k.source], "delay": k.delay}
    if isinstance(k.form, Gather):
        machine.add_gather(
            **ends,
            shift=k.shift,
            pool=k.form.pool,
            geometry=k.form.geometry,
            weight=np.ascontiguousarray(k.form.weight, dtype=STORED[layer.kind]),
            fan_out=k.form.fan_out,
            word=k.form.word,
            channel=k.form.channel,
        )
    elif isinstance(k.form, Channels):
        weight = k.form.weight[:, 0].astype(np.int64) << k.shift
        machine.add_channels(
            **ends,
            geometry=k.form.geometry,
            weight=lanes(layer, weight),
            fan_out=k.form.fan_out,
        )
    elif isinstance(k.form, Single):
        post = k.form.position * layer.padded + k.form.channel
        machine.add_scatter(
            **ends,
            shift=k.shift,
            start=k.form.start,
            post=post.astype(np.int32),
            weight=k.form.weight,
        )
    else:
        shift, weights = _estimate(layer.population)
        machine.add_window(
            **ends,
            geometry=k.form.geometry,
            fan_out=k.form.fan_out,
            shift=shift,
            weights=np.array(weights, dtype=np.int32),
        )


def _estimate(population: Population) -> tuple[int, tuple[int, ...]]:
    """Give a gate's estimate of rates: a shift, or weights of the last steps, or neither."""
    neuron = population.neuron
    estimate = neuron.estimate if isinstance(neuron, MaxGate) else Average()
    shift = estimate.shift if isinstance(estimate, Exponential) else 0
    return shift, estimate.weights if isinstance(estimate, Fir) else ()


def run(
    kernel: Kernel, samples: Samples, length: int, keep: Keep, threads: int, tile: int, level: str
) -> Result:
    """Run `samples`, name of an input -> (samples, ...), side by side on `threads` threads."""
    network = kernel.plan.network
    count = len(next(iter(samples.values())))
    out = {
        layer.population.name: _room(layer, count, length, keep, network.readout)
        for layer in kernel.plan.layers
    }
    prepared = {i.name: np.ascontiguousarray(i.prepare(samples[i.name])) for i in network.inputs}
    currents = _currents(kernel, samples)
    kernel.machine.run(
        groups=[[kernel.place[name] for name in group] for group in kernel.plan.groups],
        samples=count,
        steps=length,
        tile=tile,
        threads=threads,
        level=level,
        currents=[currents.get(name) for name in kernel.place],
        inputs=[[prepared[a.source] for a in layer.inputs] for layer in kernel.plan.layers],
        **{
            what: [out[name].get(what) for name in kernel.place]
            for what in ("counts", "operations", "bits", "membranes", "peak")
        },
    )
    return _result(kernel, out, keep)


def _room(layer: Layer, count: int, length: int, keep: Keep, readout: str) -> dict[str, Array]:
    """Make the arrays that the kernel fills for one population."""
    p = layer.population
    channels, rows, columns = p.shape
    room: dict[str, Array] = {}
    if keep.counts:
        room["counts"] = np.zeros((count, *p.shape), dtype=np.int32)
    if keep.operations:
        room["operations"] = np.zeros((count, length), dtype=np.int64)
    if keep.peak and layer.model != GATE:
        room["peak"] = np.zeros(count, dtype=np.int64)
    late = keep.counts and keep.uncounted.get(p.name, 0)
    if (late or p.name in keep.rasters) and layer.model != ACCUMULATE:
        words = -(-channels // 64)
        room["bits"] = np.zeros((count, rows, length, columns, words), dtype=np.uint64)
    if p.name == readout or (p.name in keep.membranes and layer.model not in (GATE, POOL)):
        room["membranes"] = np.zeros((count, length, *p.shape), dtype=np.int64)
    return room


def _currents(kernel: Kernel, samples: Samples) -> dict[str, Array]:
    """Give the constant drive, as integers, of populations whose currents the kernel leaves."""
    network = kernel.plan.network
    fed = {layer.population.name for layer in kernel.plan.layers if layer.inputs}
    driven = {c.target for c in network.currents} - fed
    constant = constant_drive(network, samples) if driven else {}
    found = {}
    for layer in kernel.plan.layers:
        name = layer.population.name
        if name in driven:
            exact = np.ldexp(constant[name].astype(np.float64), -layer.numbers.exponent)
            flat = exact.astype(np.int64).reshape(len(exact), exact.shape[1], -1)
            found[name] = np.ascontiguousarray(flat)
    return found


def _result(kernel: Kernel, out: dict[str, dict[str, Array]], keep: Keep) -> Result:
    network = kernel.plan.network
    for name, steps in keep.uncounted.items():
        if "counts" in out[name] and "bits" in out[name] and steps:
            out[name]["counts"] -= _late(out[name]["bits"][:, :, -steps:], network, name)
    membranes = {
        layer.population.name: _in_units(network.integer, layer, out[layer.population.name])
        for layer in kernel.plan.layers
        if "membranes" in out[layer.population.name]
    }
    readout = membranes[network.readout]
    return Result(
        network=network,
        readout=readout,
        counts={n: o["counts"] for n, o in out.items() if "counts" in o},
        operations={n: o["operations"] for n, o in out.items() if "operations" in o},
        peak={
            layer.population.name: _unit(network.integer, layer, out[layer.population.name]["peak"])
            for layer in kernel.plan.layers
            if "peak" in out[layer.population.name]
        },
        rasters={
            n: _raster(o["bits"], network.population(n).shape)
            for n, o in out.items()
            if "bits" in o and n in keep.rasters
        },
        membranes={n: v for n, v in membranes.items() if n in keep.membranes},
    )


def _in_units(integer: bool, layer: Layer, out: dict[str, Array]) -> Array:
    return _unit(integer, layer, out["membranes"])


def _unit(integer: bool, layer: Layer, values: Array) -> Array:
    """Give the kernel's integers in the network's own units."""
    if integer:
        return values << layer.numbers.exponent if layer.numbers.exponent else values
    scaled: Array = np.ldexp(values.astype(np.float64), layer.numbers.exponent)
    return scaled


def _raster(bits: Array, shape: tuple[int, ...]) -> Array:
    """Give the kernel's bits, (samples, rows, steps, columns, words), packed in flat order."""
    return packed(_fired(bits, shape[0]).transpose(0, 2, 4, 1, 3))


def _late(bits: Array, network: Network, name: str) -> Array:
    """Count each neuron's spikes in `bits`, the last steps of a run."""
    channels = network.population(name).shape[0]
    late: Array = _fired(bits, channels).sum(axis=2, dtype=np.int32).transpose(0, 3, 1, 2)
    return late


def _fired(bits: Array, channels: int) -> Array:
    """Give 0 and 1, (samples, rows, steps, columns, channels), of the kernel's bits."""
    bytes_ = np.ascontiguousarray(bits.astype("<u8", copy=False)).view(np.uint8)
    fired: Array = np.unpackbits(bytes_, axis=-1, bitorder="little", count=channels)
    return fired


def bytes_needed(plan: Plan, length: int, tile: int, keep: Keep) -> tuple[int, int]:
    """Give the bytes of one worker's buffers, and those that one sample's results take."""
    worker = each = 0
    driven = {c.target: c for c in plan.network.currents}
    delays = [p.delay_steps for p in plan.network.projections]
    slots = min(tile, length) + max(delays, default=1)
    for layer in plan.layers:
        p = layer.population
        neurons, positions = prod(p.shape), prod(p.shape[1:])
        state = 8 if layer.numbers.wide else 4
        pooled = 0 if layer.window is None else prod(layer.inner) * layer.padded * state
        bits = 0 if layer.model == ACCUMULATE else positions * slots * 8 * -(-p.shape[0] // 64)
        events = 4 * positions * slots + neurons * slots  # lists of a source that fires at 25 %
        worker += bits + positions * layer.padded * (2 * state * layer.taps + 4) + 2 * pooled
        worker = max(worker, bits + events)
        each += neurons * (4 * keep.counts + 24 * (p.name in driven)) + 8 * length * keep.operations
        each += length * neurons * 8 * (p.name == plan.network.readout or p.name in keep.membranes)
        each += length * neurons * 2 * (p.name in keep.rasters or p.name in keep.uncounted)
    for c in driven.values():
        taps: Any = c.synapse.weight.size // max(1, c.synapse.weight.shape[0])
        each += 16 * prod(c.synapse.post_shape[1:]) * taps
    return worker, each
