"""Three networks with random weights whose layers fire at about 10 %: W1, W2, W3.

An average pooling is linear; in the spiking network it is part of the next layer's kernel.
"""

from collections.abc import Iterator

import ann
import numpy as np
from spec import Layer, Workload

from neurocomp.engine import Keep, simulate
from neurocomp.snn.network import Current, Input, Network, Population, Projection
from neurocomp.snn.neurons import Accumulator, IntegrateAndFire, Neuron
from neurocomp.snn.synapses import Conv

Array = np.ndarray
RATE = 0.1
TUNING = 5


def vgg(widths: tuple[tuple[int, ...], ...], dense: tuple[int, ...]) -> tuple[Layer, ...]:
    """Give blocks of 3 x 3 convolutions, pooled between, then dense layers."""
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
    """Draw the images, (images, *shape), in [0, 1)."""
    random = np.random.default_rng(2)
    return random.random((workload.images, *workload.shape), dtype=np.float32)


def network(
    workload: Workload, kernels: list[Array], float_grid: bool, thresholds: list[float]
) -> Network:
    """Give the spiking network with one threshold, in units of the weights, for each layer."""
    source = Input(name="x", shape=workload.shape, low=0.0, high=1.0, grid=2.0**-8)
    unit = 2.0**-24 if float_grid else 1
    kind = np.float64 if float_grid else np.int64
    made: list[Population] = []
    currents: list[Current] = []
    links: list[Projection] = []
    for layer, kernel in zip(workload.layers, kernels, strict=True):
        name = f"layer{len(made) + 1}"
        if float_grid or not made:  # 24 bits are what float32 holds exactly
            kernel = kernel.astype(np.float32) * np.float32(unit)
        synapse = _synapse(layer, kernel, made[-1].shape if made else workload.shape)
        if made:
            links.append(Projection(source=made[-1].name, target=name, synapse=synapse))
        else:
            currents.append(
                Current(
                    source="x",
                    target=name,
                    synapse=synapse,
                    scale=np.ones((1, 1, 1)),
                    quantum=unit,
                )
            )
        zero = np.broadcast_to(kind(0), synapse.post_shape)
        neuron: Neuron = Accumulator()
        if len(made) < len(thresholds):
            whole = max(1, round(thresholds[len(made)]))
            neuron = IntegrateAndFire(v_threshold=np.full(synapse.post_shape, kind(whole * unit)))
        made.append(
            Population(
                name=name,
                shape=synapse.post_shape,
                neuron=neuron,
                v_init=zero,
                bias=zero,
                start_step=len(made) + 1,
            )
        )
    return Network(
        inputs=(source,),
        currents=tuple(currents),
        populations=tuple(made),
        projections=tuple(links),
        readout=made[-1].name,
    )


def tuned(
    workload: Workload, kernels: list[Array], float_grid: bool, wanted: float = RATE
) -> Network:
    """Give the network with thresholds at which every layer fires at about the rate `wanted`.

    A rate is the mean drive over the threshold, so the trained network's activations give a first
    guess; runs correct it for what fires by chance.
    """
    images = samples(workload)[:2]
    thresholds = ann.thresholds(workload, kernels, images, wanted)
    length = workload.steps + len(workload.layers)
    for _ in range(TUNING):
        found = network(workload, kernels, float_grid, thresholds)
        counts = simulate(found, {"x": images}, length, keep=Keep(operations=False)).counts
        for i, p in enumerate(found.populations[:-1]):
            rate = float(counts[p.name].mean()) / (length - i)
            thresholds[i] *= (max(rate, wanted / 10) / wanted) ** (0.7 if i else 1)
    return network(workload, kernels, float_grid, thresholds)


def _synapse(layer: Layer, kernel: Array, pre: tuple[int, ...]) -> Conv:
    if not layer.pooled:
        return Conv(weight=kernel, pre_shape=pre, pads=(layer.pad,) * 4)
    doubled = np.repeat(np.repeat(kernel, 2, axis=2), 2, axis=3)
    return Conv(weight=doubled, pre_shape=pre, strides=(2, 2), pads=(2 * layer.pad,) * 4)
