"""Three networks with random weights whose layers fire at about 10 %: W1, W2, W3.

An average pooling is linear; in the spiking network it is part of the next layer's kernel.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from neurocomp.engine import Keep, simulate
from neurocomp.snn.grid import snap
from neurocomp.snn.network import Current, Input, Network, Population, Projection
from neurocomp.snn.neurons import Accumulator, IntegrateAndFire
from neurocomp.snn.synapses import Conv

Array = np.ndarray
RATE = 0.1
TUNING_STEPS = 30
TUNING = 4


@dataclass(frozen=True)
class Layer:
    """A convolution with a square kernel, or a dense layer where `kernel` is 0."""

    outs: int
    kernel: int = 0
    pad: int = 0
    pooled: bool = False  # after a 2 x 2 average pooling


@dataclass(frozen=True)
class Workload:
    name: str
    shape: tuple[int, int, int]
    layers: tuple[Layer, ...]
    steps: int
    images: int


def vgg(widths: tuple[tuple[int, ...], ...], dense: tuple[int, ...]) -> tuple[Layer, ...]:
    convs = [
        Layer(outs, 3, 1, pooled=block > 0 and i == 0)
        for block, outs_of in enumerate(widths)
        for i, outs in enumerate(outs_of)
    ]
    return (*convs, *(Layer(outs, pooled=i == 0) for i, outs in enumerate(dense)))


W1 = Workload(
    "W1",
    (1, 28, 28),
    (Layer(16, 5), Layer(32, 5, pooled=True), Layer(256, pooled=True), Layer(10)),
    steps=100,
    images=100,
)
W2 = Workload("W2", (3, 32, 32), vgg(((64,) * 2, (128,) * 2, (256,) * 2), (512, 10)), 100, 20)
W3 = Workload(
    "W3",
    (3, 224, 224),
    vgg(((64,) * 2, (128,) * 2, (256,) * 3, (512,) * 3, (512,) * 3), (4096, 4096, 1000)),
    steps=10,
    images=1,
)
WORKLOADS = {w.name: w for w in (W1, W2, W3)}


def weights(workload: Workload, float_grid: bool) -> Iterator[Array]:
    """Give each layer's kernel, (outs, ins, rows, columns), integers: of 8 bits, or of 24."""
    random = np.random.default_rng(1)
    channels, rows, columns = workload.shape
    for layer in workload.layers:
        if layer.pooled:
            rows, columns = rows // 2, columns // 2
        size = (layer.kernel,) * 2 if layer.kernel else (rows, columns)
        drawn = random.integers(-127, 128, (layer.outs, channels, *size), dtype=np.int8)
        if float_grid:
            fine = random.integers(-(2**16), 2**16, drawn.shape, dtype=np.int32)
            yield np.clip(drawn.astype(np.int32) * 2**17 + fine, 1 - 2**24, 2**24 - 1)
        else:
            yield drawn
        rows, columns = rows + 2 * layer.pad - size[0] + 1, columns + 2 * layer.pad - size[1] + 1
        channels = layer.outs


def samples(workload: Workload) -> Array:
    random = np.random.default_rng(2)
    return random.random((workload.images, *workload.shape), dtype=np.float32)


def network(workload: Workload, kernels: list[Array], float_grid: bool) -> Network:
    """Give the spiking network, thresholds tuned so that every layer fires at about RATE."""
    source = Input(name="x", shape=workload.shape, low=0.0, high=1.0, grid=2.0**-8)
    unit = 2.0**-24 if float_grid else 1
    made: list[Population] = []
    currents: list[Current] = []
    links: list[Projection] = []
    for depth, (layer, kernel) in enumerate(zip(workload.layers, kernels, strict=True), start=1):
        name = f"layer{depth}"
        synapse = _synapse(layer, kernel, made[-1].shape if made else workload.shape)
        if made:
            synapse = replace(
                synapse, weight=synapse.weight if unit == 1 else synapse.weight * unit
            )
            links.append(Projection(source=made[-1].name, target=name, synapse=synapse))
        else:
            drive = replace(synapse, weight=synapse.weight.astype(np.float64) * unit)
            currents.append(
                Current(
                    source="x", target=name, synapse=drive, scale=np.ones((1, 1, 1)), quantum=unit
                )
            )
        last = depth == len(workload.layers)
        zero = np.zeros(synapse.post_shape, dtype=np.float64 if float_grid else np.int64)
        neuron = Accumulator() if last else IntegrateAndFire(v_threshold=zero)
        made.append(
            Population(
                name=name,
                shape=synapse.post_shape,
                neuron=neuron,
                v_init=zero,
                bias=zero,
                start_step=depth,
            )
        )
        if not last:
            _tune(source, currents, made, links, samples(workload)[:2], unit)
    return _network(source, currents, made, links)


def _synapse(layer: Layer, kernel: Array, pre: tuple[int, ...]) -> Conv:
    if not layer.pooled:
        return Conv(weight=kernel, pre_shape=pre, pads=(layer.pad,) * 4)
    doubled = np.repeat(np.repeat(kernel, 2, axis=2), 2, axis=3)
    return Conv(weight=doubled, pre_shape=pre, strides=(2, 2), pads=(2 * layer.pad,) * 4)


def _network(
    source: Input, currents: list[Current], made: list[Population], links: list[Projection]
) -> Network:
    return Network(
        inputs=(source,),
        currents=tuple(currents),
        populations=tuple(made),
        projections=tuple(links),
        readout=made[-1].name,
    )


def _tune(
    source: Input,
    currents: list[Current],
    made: list[Population],
    links: list[Projection],
    images: Array,
    unit: float,
) -> None:
    """Replace the last population by one whose threshold makes it fire at about RATE."""
    length = made[-1].start_step + TUNING_STEPS - 1
    keep = Keep(operations=False)
    reading = [*made[:-1], replace(made[-1], neuron=Accumulator())]
    run = simulate(_network(source, currents, reading, links), {"x": images}, length, keep=keep)
    threshold = float(np.maximum(run.readout[:, -1], 0).mean()) / TUNING_STEPS / RATE
    for _ in range(TUNING):
        made[-1] = _with_threshold(made[-1], threshold, unit)
        out = replace(made[-1], name="out", neuron=Accumulator(), start_step=length + 1)
        network = replace(_network(source, currents, [*made, out], links), readout="out")
        counts = simulate(network, {"x": images}, length, keep=keep).counts[made[-1].name]
        threshold *= max(float(counts.mean()) / TUNING_STEPS / RATE, 0.1)
    made[-1] = _with_threshold(made[-1], threshold, unit)


def _with_threshold(population: Population, threshold: float, unit: float) -> Population:
    kind = np.int64 if unit == 1 else np.float64
    full = np.maximum(snap(np.full(population.shape, threshold), unit), unit).astype(kind)
    half = snap(full / 2, unit).astype(kind)
    return replace(population, neuron=IntegrateAndFire(v_threshold=full), v_init=half)
