"""Whole layers on cores of several kinds: what each needs, and which core it gets.

Source: sinabs at 904eb89, docs/speck/overview.md, and its dynapcnn.py for the powers of two: with c
input and f output channels, a kernel of kx by ky and fx by fy outputs, a core takes
c 2^(ceil log2 kx ky + ceil log2 f) words of kernels and f 2^(ceil log2 fx + ceil log2 fy) of
neurons.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod

import networkx as nx
import numpy as np

from neurocomp.arrays import Array
from neurocomp.errors import CapacityError, UnsupportedError
from neurocomp.hw.target import Core, Layers, Target
from neurocomp.mapping.demand import out_of
from neurocomp.mapping.placement import Block, Place, Placement
from neurocomp.snn.boxes import whole
from neurocomp.snn.network import Network, Population, Projection
from neurocomp.snn.neurons import Given
from neurocomp.snn.synapses import Conv, Dense, Synapse

Pair = tuple[int, int]  # rows, columns


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One population as a core runs it, with the pool that its sources apply before."""

    name: str
    channels_in: int
    channels: int
    kernel: Pair
    strides: Pair
    padding: int  # the most on a side
    dilation: int
    pool: int  # of each source's output; 1 is none
    input_size: Pair  # after the pool
    output_size: Pair

    @property
    def kernel_words(self) -> int:
        """Count the words of the kernel memory; the address has whole bits for each part."""
        return self.channels_in * power(prod(self.kernel)) * power(self.channels)

    @property
    def neuron_words(self) -> int:
        """Count the words of the neuron memory."""
        rows, columns = self.output_size
        return self.channels * power(rows) * power(columns)

    @property
    def demand(self) -> dict[str, int]:
        """Give what the layer takes of each resource."""
        neurons = self.channels * prod(self.output_size)
        words = {"kernel_words": self.kernel_words, "neuron_words": self.neuron_words}
        return {"neurons": neurons, **words}

    def fits(self, core: Core) -> bool:
        """Say whether a core of this kind can hold the layer."""
        return all(self.demand[name] <= limit for name, limit in core.limits.items())


def power(count: int) -> int:
    """Give the least power of two that is at least `count`."""
    return 1 << max(0, count - 1).bit_length()


def layers(network: Network, target: Target) -> dict[str, Layer]:
    """Give the layer of each population that takes a core; `layer_problems` must be none."""
    assert target.layers is not None
    found = {}
    for p in network.populations:
        parts = [_read(p, j, target.layers) for j in network.into(p.name)]
        if not isinstance(p.neuron, Given):
            found[p.name] = _joined(p, [part for part in parts if part is not None])
    return found


def layer_problems(network: Network, target: Target) -> Iterator[UnsupportedError]:
    """Say what of `network` the cores of a target with layers cannot run."""
    able = target.layers
    if able is None:
        return
    for p in network.populations:
        parts = []
        for j in network.into(p.name):
            part = _read(p, j, able)
            if part is None:
                wrong = f"is read by single synapses, a core of {target.name} runs convolutions"
                yield UnsupportedError(f"{j.source} -> {p.name}", wrong, "make it a convolution")
            else:
                parts.append(part)
        shapes = {(s.kernel, s.strides, s.pool, s.input_size) for s in parts}
        if len(shapes) > 1:
            wrong = f"reads {len(shapes)} sources by kernels of different shapes, one core has one"
            yield UnsupportedError(p.name, wrong, "give the branches that meet there equal kernels")
        if not isinstance(p.neuron, Given):
            yield from _exceeded(_joined(p, parts), able, target.name)
        readers = len(out_of(network, p.name))
        most = target.connections.get("cores", readers)
        if readers > most:
            wrong = f"is read by {readers} layers, {target.name} allows {most}"
            yield UnsupportedError(p.name, wrong, "let fewer layers read it")


def assigned(found: dict[str, Layer], target: Target) -> dict[str, int]:
    """Give each layer a core of its own that holds it. Raises CapacityError where there are none.

    A layer and a core are joined where the one fits the other: a matching of all layers is sought.
    """
    for layer in found.values():
        _refuse_large(layer, target)
    cores = [kind for kind in target.kinds for _ in range(kind.count or len(found))]
    if len(found) > len(cores):
        wrong = f"has {len(found)} layers, a {target.name} has {len(cores)} cores"
        raise CapacityError("the network", wrong, "merge layers, or leave some out")
    graph: nx.Graph[int] = nx.Graph()  # of numbers, whose sets have an order, as names' have not
    graph.add_nodes_from(range(len(found)))
    for number, layer in enumerate(found.values()):
        ends = (len(found) + n for n, core in enumerate(cores) if layer.fits(core))
        graph.add_edges_from((number, end) for end in ends)
    pairs = nx.bipartite.hopcroft_karp_matching(graph, range(len(found)))
    matched = {name: pairs[n] - len(found) for n, name in enumerate(found) if n in pairs}
    left = [name for name in found if name not in matched]
    if left:
        layer = found[left[0]]
        able = {core.name: None for core in target.kinds if layer.fits(core)}
        others = [n for n in found if n in matched and cores[matched[n]].name in able]
        wrong = (
            f"needs {layer.kernel_words:,} kernel_words and {layer.neuron_words:,} neuron_words, "
            f"which cores of {' and '.join(able)} have, and {', '.join(others)} need those as well"
        )
        raise CapacityError(layer.name, wrong, "make one of these layers smaller")
    return matched


def map_layers(network: Network, target: Target) -> Placement:
    """Place each population of `network` whole. Raises CapacityError where a core is too small.

    Input spikes that the host sends take no core; they stand with the layer that reads them.
    """
    found = layers(network, target)
    cores = assigned(found, target)
    places, demand = {}, {}
    for p in network.populations:
        readers = [j.target for j in out_of(network, p.name)]
        core = cores[p.name] if p.name in cores else cores[readers[0]]
        block = Block(population=p.name, box=whole(p.shape))
        places[block] = Place(chip=0, row=0, column=core)
        nothing = {"neurons": 0, "kernel_words": 0, "neuron_words": 0}
        demand[block] = found[p.name].demand if p.name in found else nothing
    return Placement(cores=places, demand=demand)


def most_channels(layer: Layer, target: Target) -> int:
    """Give the most output channels with which `layer` fits a core; 0 where none is few enough."""
    for count in range(layer.channels, 0, -1):
        if any(replace(layer, channels=count).fits(core) for core in target.kinds):
            return count
    return 0


def _read(population: Population, projection: Projection, able: Layers) -> Layer | None:
    """Give the convolution that a projection is, with the largest pool that it begins with."""
    form = _convolution(projection.synapse)
    if form is None:
        return None
    weight, conv = form
    free = conv.windows.counts == (1, 1)  # one window: it does not stride
    pool = max(p for p in (1, *able.pools) if _pools(weight, conv, p, free))
    rows, columns = (n // pool for n in conv.pre_shape[1:])
    kernel = weight.shape[2] // pool, weight.shape[3] // pool
    return Layer(
        name=population.name,
        channels_in=conv.pre_shape[0],
        channels=population.shape[0],
        kernel=kernel,
        strides=(1, 1) if free else (conv.strides[0] // pool, conv.strides[1] // pool),
        padding=max(conv.pads) // pool,
        dilation=max(conv.dilations),
        pool=pool,
        input_size=(rows, columns),
        output_size=population.shape[1:],  # type: ignore[arg-type]  # a shape has three axes
    )


def _convolution(synapse: Synapse) -> tuple[Array, Conv] | None:
    """Give the kernel, (channels out, in, rows, columns), and the geometry; None where none is."""
    if isinstance(synapse, Conv):
        return synapse.weight, synapse
    if isinstance(synapse, Dense) and synapse.post_shape[1:] == (1, 1):
        kernel = synapse.weight.reshape(synapse.post_shape[0], *synapse.pre_shape)
        return kernel, Conv(weight=kernel, pre_shape=synapse.pre_shape)
    return None


def _pools(weight: Array, conv: Conv, pool: int, free: bool) -> bool:
    """Say whether `conv` is a sum pool of `pool` x `pool` and a smaller convolution."""
    rows, columns = weight.shape[2:]
    sizes = (rows, columns, *conv.pads[:2], *(() if free else conv.strides))
    if pool == 1 or any(n % pool for n in sizes) or max(conv.dilations) > 1:
        return pool == 1
    blocks = weight.reshape(*weight.shape[:2], rows // pool, pool, columns // pool, pool)
    return bool(np.all(blocks == blocks[:, :, :, :1, :, :1]))


def _joined(population: Population, parts: list[Layer]) -> Layer:
    """Give the layer that reads all `parts`: their channels are side by side."""
    channels, *size = population.shape
    if not parts:
        return Layer(
            name=population.name, channels_in=0, channels=channels, kernel=(1, 1), strides=(1, 1),
            padding=0, dilation=1, pool=1, input_size=(1, 1), output_size=(size[0], size[1]),
        )  # fmt: skip
    return replace(parts[0], channels_in=sum(part.channels_in for part in parts))


def _exceeded(layer: Layer, able: Layers, chip: str) -> Iterator[UnsupportedError]:
    """Say which of the core's sizes the layer exceeds."""
    for what, found, most, remedy in (
        ("a kernel with a side of", max(layer.kernel), able.kernel, "make the window smaller"),
        ("a padding of", layer.padding, able.padding, "pad less"),
        ("input channels:", layer.channels_in, able.channels, "let its sources have fewer"),
        ("output channels:", layer.channels, able.channels, "give it fewer channels"),
        ("an input with a side of", max(layer.input_size), able.input_size, "make samples smaller"),
        ("an output with a side of", max(layer.output_size), able.output_size, "stride or pool"),
        ("a dilation of", layer.dilation, 1, "use a plain kernel"),
    ):
        if found > most:
            yield UnsupportedError(
                layer.name, f"has {what} {found:,}, {chip} allows {most:,}", remedy
            )
    odd = sorted(set(layer.strides) - set(able.strides))
    if odd:
        known = ", ".join(map(str, able.strides))
        wrong = f"strides by {odd[0]}, {chip} by one of {known}"
        yield UnsupportedError(layer.name, wrong, "use another stride")


def _refuse_large(layer: Layer, target: Target) -> None:
    """Raise CapacityError where no kind of core holds `layer`."""
    if any(layer.fits(core) for core in target.kinds):
        return
    channels = most_channels(layer, target)
    remedy = (
        f"give it {channels} channels, it has {layer.channels}" if channels else "make it small"
    )
    for name, needed in layer.demand.items():
        most = max(core.limits.get(name, needed) for core in target.kinds)
        if needed > most:
            wrong = f"needs {needed:,} {name}, the largest core of {target.name} has {most:,}"
            raise CapacityError(layer.name, wrong, remedy)
    wrong = (
        f"needs {layer.kernel_words:,} kernel_words and {layer.neuron_words:,} neuron_words, "
        f"and no core of {target.name} has both"
    )
    raise CapacityError(layer.name, wrong, remedy)
