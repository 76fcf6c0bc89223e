"""Random synapses and networks for hypothesis, of small numbers: ties and resets happen."""

from math import prod
from typing import Any

import numpy as np
from hypothesis import strategies as st

from neurocomp.arrays import Array, Shape
from neurocomp.snn.network import Current, Input, Network, Population, Projection
from neurocomp.snn.neurons import Accumulator, IntegrateAndFire, MaxGate
from neurocomp.snn.synapses import Conv, Dense, Sparse, Synapse, Window

Draw = Any  # hypothesis hands it to a composite strategy

randoms = st.integers(0, 2**32 - 1).map(np.random.default_rng)
shapes = st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 4))


def geometry(draw: Draw, shape: Shape, *, dilated: bool = True) -> dict[str, Any]:
    """Draw kernel, strides, pads and dilations; at least one window fits into `shape`."""
    axes = []
    for size in shape[1:]:
        dilation = draw(st.integers(1, 2)) if dilated else 1
        before, after = draw(st.integers(0, 2)), draw(st.integers(0, 2))
        most = (size + before + after - 1) // dilation + 1
        kernel = draw(st.integers(1, min(3, most)))
        axes.append((kernel, draw(st.integers(1, 3)), before, after, dilation))
    (kernel_y, stride_y, top, bottom, dilation_y), (kernel_x, stride_x, left, right, dilation_x) = (
        axes
    )
    return {
        "kernel": (kernel_y, kernel_x),
        "strides": (stride_y, stride_x),
        "pads": (top, left, bottom, right),
        "dilations": (dilation_y, dilation_x),
    }


@st.composite
def convs(draw: Draw, pre: Shape, *, low: int = -5, high: int = 6, unit: float = 1) -> Conv:
    """Draw a convolution, grouped or depthwise in its turn."""
    shaped, random = geometry(draw, pre), draw(randoms)
    groups = draw(st.sampled_from([g for g in range(1, pre[0] + 1) if pre[0] % g == 0]))
    outs, ins = groups * draw(st.integers(1, 2)), pre[0] // groups
    weight = random.integers(low, high, (outs, ins, *shaped.pop("kernel"))) * unit
    return Conv(weight=weight, pre_shape=pre, groups=groups, **shaped)


@st.composite
def pools(draw: Draw, pre: Shape) -> Conv:
    """Draw a depthwise window of equal weights, without padding: what average pooling becomes."""
    kernel = tuple(draw(st.integers(1, min(3, n))) for n in pre[1:])
    strides = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    weight = np.full((pre[0], 1, *kernel), draw(st.integers(1, 3)))
    return Conv(weight=weight, pre_shape=pre, strides=strides, groups=pre[0])


@st.composite
def denses(
    draw: Draw, pre: Shape, post: Shape, *, low: int = -5, high: int = 6, unit: float = 1
) -> Dense:
    """Draw an all to all synapse."""
    weight = draw(randoms).integers(low, high, (prod(post), prod(pre))) * unit
    return Dense(weight=weight, pre_shape=pre, post_shape=post)


@st.composite
def sparses(
    draw: Draw, pre: Shape, post: Shape, *, low: int = -5, high: int = 6, unit: float = 1
) -> Sparse:
    """Draw single synapses, perhaps none, at most one between two neurons."""
    random, pairs = draw(randoms), prod(pre) * prod(post)
    count = draw(st.integers(0, min(12, pairs)))
    chosen = np.sort(random.choice(pairs, count, replace=False))
    return Sparse(
        weight=random.integers(low, high, count) * unit,
        pre=chosen % prod(pre),
        post=chosen // prod(pre),
        pre_shape=pre,
        post_shape=post,
    )


@st.composite
def synapses(draw: Draw, /, pre: Shape, **numbers: Any) -> Synapse:
    """Draw a synapse of any kind but a pooling window."""
    kind = draw(st.sampled_from(("conv", "dense", "sparse")))
    if kind == "conv":
        made: Synapse = draw(convs(pre, **numbers))
    else:
        both = denses if kind == "dense" else sparses
        made = draw(both(pre, draw(shapes), **numbers))
    return made


@st.composite
def pooling_windows(draw: Draw, pre: Shape) -> Window:
    """Draw a pooling window, whose padding is smaller than its kernel as everywhere."""
    return Window(pre_shape=pre, **geometry(draw, pre))


def spiking(
    random: np.random.Generator, name: str, shape: Shape, start: int, unit: float, reset: str
) -> Population:
    """Make integrate-and-fire neurons with thresholds of 4 to 15 units."""
    threshold = random.integers(4, 16, shape) * unit
    return Population(
        name=name,
        shape=shape,
        neuron=IntegrateAndFire(
            v_threshold=threshold, reset="zero" if reset == "zero" else "subtract"
        ),
        v_init=random.integers(-4, 8, shape) * unit,
        bias=random.integers(-3, 6, shape) * unit,
        start_step=start,
    )


def plain(
    name: str, shape: Shape, neuron: Accumulator | MaxGate, start: int, unit: float
) -> Population:
    """Make a gate or an accumulator, without numbers of its own."""
    zero = np.zeros(shape, dtype=np.int64) * unit
    return Population(
        name=name, shape=shape, neuron=neuron, v_init=zero, bias=zero, start_step=start
    )


@st.composite
def networks(
    draw: Draw,
    *,
    integer: bool | None = None,
    balanced: bool = False,
    most: int = 3,
) -> Network:
    """Draw a network of up to `most` populations and a readout, with branches and gates.

    `balanced` sets every start_step to the population's depth and each delay to the difference,
    as conversion does; otherwise they are drawn.
    """
    whole = draw(st.booleans()) if integer is None else integer
    unit: Any = 1 if whole else 2.0**-10
    source = Input(name="x", shape=draw(shapes), low=-0.5, high=1.0, grid=2.0**-8)
    populations: list[Population] = []
    currents: list[Current] = []
    projections: list[Projection] = []
    depth = {"x": 0}
    count = draw(st.integers(1, most))
    for number in range(count + 1):
        last, random, name = number == count, draw(randoms), f"p{number}"
        before = draw(st.sampled_from(populations)) if populations else None
        gate = before is not None and not last and draw(st.integers(0, 4)) == 0
        leads: list[tuple[str, Synapse]] = []
        if before is None or (not gate and not last and draw(st.integers(0, 3)) == 0):
            leads.append(("x", draw(synapses(source.shape, unit=2.0**-6))))
        elif gate:
            leads.append((before.name, draw(pooling_windows(before.shape))))
        else:
            leads.append((before.name, draw(synapses(before.shape, unit=unit))))
        shape = leads[0][1].post_shape
        if populations and not gate and draw(st.booleans()):
            other = draw(st.sampled_from(populations))
            kind = draw(st.sampled_from((denses, sparses)))
            leads.append((other.name, draw(kind(other.shape, shape, unit=unit))))
        depth[name] = 1 + max(depth[n] for n, _ in leads)
        start = depth[name] if balanced else draw(st.integers(1, 4))
        if gate or last:
            neuron = MaxGate() if gate else Accumulator()
            populations.append(plain(name, shape, neuron, start, unit))
        else:
            reset = draw(st.sampled_from(("subtract", "subtract", "zero")))
            populations.append(spiking(random, name, shape, start, unit, reset))
        for lead, synapse in leads:
            if lead == "x":
                scale = random.uniform(4, 12, (shape[0], 1, 1)) * unit
                quantum = float(unit * draw(st.sampled_from((1, 2))))
                currents.append(
                    Current(source="x", target=name, synapse=synapse, scale=scale, quantum=quantum)
                )
            else:
                windowed = isinstance(synapse, Window)
                projections.append(
                    Projection(
                        source=lead,
                        target=name,
                        synapse=synapse,
                        delay_steps=depth[name] - depth[lead]
                        if balanced
                        else draw(st.integers(1, 4)),
                        weight_exponent=0 if windowed else draw(st.integers(0, 2)),
                    )
                )
    return Network(
        inputs=(source,),
        currents=tuple(currents),
        populations=tuple(populations),
        projections=tuple(projections),
        readout=populations[-1].name,
    )


def inputs_for(network: Network, count: int, seed: int = 0) -> dict[str, Array]:
    """Draw samples of every input, some of them outside its range."""
    random = np.random.default_rng(seed)
    return {
        i.name: random.uniform(i.low - 0.25, i.high + 0.25, (count, *i.shape))
        for i in network.inputs
    }
