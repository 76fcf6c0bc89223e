"""A hypothesis strategy that draws small random graphs: `graphs()`."""

from collections.abc import Callable

from hypothesis import strategies as st

from neurocomp.ann.graph import Graph
from neurocomp.ann.ops import Clip, MaxPool, Relu, Sum
from tests.ann.net import Net

Step = Callable[[st.DrawFn, Net, str], str]


@st.composite
def graphs(draw: st.DrawFn, most_steps: int = 4) -> Graph:
    """Draw a valid graph: up to `most_steps` steps over positions, then one to three dense layers.

    Max pooling stands on spiking values only. Layers have at most a few hundred values.
    """
    sizes = st.integers(3, 6)
    image = st.tuples(st.integers(1, 3), sizes, sizes)
    sequence = st.tuples(st.integers(1, 3), st.integers(4, 10))
    features = st.tuples(st.integers(1, 6))
    net = Net(draw(st.integers(0, 2**16)), draw(st.one_of(image, image, sequence, features)))
    x = net.x
    if len(net.input_shape) > 1:
        for step in draw(st.lists(st.sampled_from(STEPS), min_size=1, max_size=most_steps)):
            x = step(draw, net, x)
        x = net.flat(x) if draw(st.booleans()) else net.mean(x)
    for _ in range(draw(st.integers(0, 2))):
        x = _dense_block(draw, net, x)
    x = net.linear(x, draw(st.integers(1, 4)))
    return net.graph(draw(st.sampled_from((lambda v: v, net.relu, net.softmax)))(x))


def _dense_block(draw: st.DrawFn, net: Net, x: str) -> str:
    y = _spike(draw, net, net.linear(x, draw(st.integers(1, 8))))
    if draw(st.booleans()):
        y = net.affine(y)
    return net.concat(x, y) if draw(st.integers(0, 3)) == 0 else y


def _spike(draw: st.DrawFn, net: Net, x: str) -> str:
    if draw(st.integers(0, 3)) == 0:
        return net.clip(x, draw(st.sampled_from((0.5, 1.0, 6.0))))
    return net.relu(x)


def _conv(draw: st.DrawFn, net: Net, x: str) -> str:
    channels, *sizes = net.shapes[x]
    kernel = tuple(draw(st.integers(1, min(3, n))) for n in sizes)
    stretch = [
        draw(st.integers(1, 2)) if k > 1 and (k - 1) * 2 < n else 1
        for k, n in zip(kernel, sizes, strict=True)
    ]
    groups = draw(st.sampled_from((1, 1, channels)))
    y = net.conv(
        x,
        groups * draw(st.integers(1, 4)) if groups == 1 else groups,
        kernel,
        strides=tuple(draw(st.integers(1, 2)) for _ in sizes),
        pads=tuple(draw(st.integers(0, 1)) for _ in 2 * sizes),
        dilations=tuple(stretch),
        groups=groups,
    )
    return y if draw(st.integers(0, 4)) == 0 else _spike(draw, net, y)


def _affine(draw: st.DrawFn, net: Net, x: str) -> str:
    y = net.affine(x)
    return _spike(draw, net, y) if draw(st.booleans()) else y


def _pool_window(draw: st.DrawFn, net: Net, x: str) -> dict[str, tuple[int, ...]]:
    sizes = net.shapes[x][1:]
    kernel = tuple(draw(st.integers(1, min(3, n))) for n in sizes)
    pads = tuple(draw(st.integers(0, (k - 1) // 2)) for k in 2 * kernel)
    strides = tuple(draw(st.integers(1, 2)) for _ in sizes)
    return {"kernel": kernel, "strides": strides, "pads": pads}


def _ceil(draw: st.DrawFn, window: dict[str, tuple[int, ...]]) -> bool:
    """Draw whether windows overhang; not where operator sets before 22 disagree on their number."""
    apart = any(s > k for s, k in zip(window["strides"], window["kernel"], strict=True))
    return not apart and not any(window["pads"]) and draw(st.booleans())


def _average(draw: st.DrawFn, net: Net, x: str) -> str:
    window = _pool_window(draw, net, x)
    ceil, count_pads = _ceil(draw, window), draw(st.booleans())
    return net.average(x, **window, ceil=ceil, count_pads=count_pads)


def _max(draw: st.DrawFn, net: Net, x: str) -> str:
    made = next((n.op for n in net.nodes if n.name == x), None)
    x = x if isinstance(made, Relu | Clip | MaxPool) else _spike(draw, net, x)
    window = _pool_window(draw, net, x)
    return net.max(x, **window, ceil=_ceil(draw, window))


def _pad(draw: st.DrawFn, net: Net, x: str) -> str:
    sizes = net.shapes[x][1:]
    before, after = (tuple(draw(st.integers(0, 1)) for _ in sizes) for _ in range(2))
    return net.pad(x, (0, *before), (0, *after))


def _same_size(draw: st.DrawFn, net: Net, x: str, channels: int) -> str:
    rank = len(net.shapes[x]) - 1
    return net.conv(x, channels, (3,) * rank, pads=(1,) * 2 * rank)


def _residual(draw: st.DrawFn, net: Net, x: str) -> str:
    channels = net.shapes[x][0]
    y = _same_size(draw, net, x, channels)
    if draw(st.booleans()):
        y = _same_size(draw, net, _spike(draw, net, y), channels)
    if draw(st.booleans()):
        y = _spike(draw, net, y)
    y = net.add(Sum(signs=draw(st.sampled_from(((1, 1), (1, 1), (1, -1))))), y, x)
    return _spike(draw, net, y) if draw(st.booleans()) else y


def _concat(draw: st.DrawFn, net: Net, x: str) -> str:
    y = _spike(draw, net, _same_size(draw, net, x, draw(st.integers(1, 2))))
    if draw(st.booleans()):
        return net.concat(x, y)
    return net.concat(y, _same_size(draw, net, _spike(draw, net, x), 1))


STEPS: tuple[Step, ...] = (_conv, _affine, _average, _max, _pad, _residual, _concat)
