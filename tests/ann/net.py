"""A builder of small graphs with seeded weights, for tests."""

from math import prod

import numpy as np
from numpy.typing import ArrayLike

from neurocomp.ann.graph import Graph, Node
from neurocomp.ann.op import Op
from neurocomp.ann.ops import (
    Affine,
    AveragePool,
    Clip,
    Concat,
    Conv,
    GlobalAveragePool,
    Linear,
    MaxPool,
    Pad,
    Relu,
    Reshape,
    Softmax,
    Sum,
    Transpose,
)
from neurocomp.arrays import Array, Shape


class Net:
    """Grow a graph value by value; every method gives the name of the value that it adds."""

    def __init__(self, seed: int, shape: Shape) -> None:
        self.random = np.random.default_rng(seed)
        self.x = "x"
        self.input_shape = shape
        self.shapes: dict[str, Shape] = {"x": shape}
        self.nodes: list[Node] = []

    def add(self, op: Op, *inputs: str) -> str:
        kind = type(op).__name__.lower()
        name = f"{kind}{sum(type(n.op) is type(op) for n in self.nodes) + 1}"
        self.shapes[name] = op.shape(*(self.shapes[i] for i in inputs))
        self.nodes.append(Node(name=name, op=op, inputs=inputs))
        return name

    def graph(self, output: str) -> Graph:
        return Graph(
            input="x", input_shape=self.input_shape, nodes=tuple(self.nodes), output=output
        )

    def weights(self, *shape: int) -> Array:
        """Draw weights that keep the size of rates in [0, 1] from layer to layer."""
        fan_in = max(1, prod(shape[1:]))
        return self.random.normal(0.05, (2 / fan_in) ** 0.5, shape).astype(np.float32)

    def biases(self, count: int) -> Array:
        return self.random.uniform(-0.1, 0.2, count).astype(np.float32)

    def conv(
        self,
        x: str,
        channels: int,
        kernel: tuple[int, ...] = (3, 3),
        strides: tuple[int, ...] | None = None,
        pads: tuple[int, ...] | None = None,
        dilations: tuple[int, ...] | None = None,
        groups: int = 1,
    ) -> str:
        rank = len(kernel)
        op = Conv(
            weight=self.weights(channels, self.shapes[x][0] // groups, *kernel),
            bias=self.biases(channels),
            strides=strides or (1,) * rank,
            pads=pads or (0,) * 2 * rank,
            dilations=dilations or (1,) * rank,
            groups=groups,
        )
        return self.add(op, x)

    def linear(self, x: str, features: int) -> str:
        (inputs,) = self.shapes[x]
        weight = self.weights(features, inputs)
        return self.add(Linear(weight=weight, bias=self.biases(features)), x)

    def affine(self, x: str) -> str:
        shape = self.shapes[x]
        ones = (1,) * (len(shape) - 1)
        scale = self.random.uniform(0.5, 1.5, (shape[0], *ones)).astype(np.float32)
        return self.add(Affine(scale=scale, shift=self.biases(shape[0]).reshape(-1, *ones)), x)

    def relu(self, x: str) -> str:
        return self.add(Relu(), x)

    def clip(self, x: str, maximum: float = 6.0) -> str:
        return self.add(Clip(maximum=maximum), x)

    def sum(self, *inputs: str) -> str:
        return self.add(Sum(signs=(1,) * len(inputs)), *inputs)

    def concat(self, *inputs: str, axis: int = 0) -> str:
        return self.add(Concat(axis=axis), *inputs)

    def average(
        self,
        x: str,
        kernel: tuple[int, ...] = (2, 2),
        strides: tuple[int, ...] | None = None,
        pads: tuple[int, ...] | None = None,
        ceil: bool = False,
        count_pads: bool = False,
    ) -> str:
        op = AveragePool(
            kernel=kernel,
            strides=strides or kernel,
            pads=pads or (0,) * 2 * len(kernel),
            dilations=(1,) * len(kernel),
            ceil=ceil,
            count_pads=count_pads,
        )
        return self.add(op, x)

    def max(
        self,
        x: str,
        kernel: tuple[int, ...] = (2, 2),
        strides: tuple[int, ...] | None = None,
        pads: tuple[int, ...] | None = None,
        ceil: bool = False,
    ) -> str:
        op = MaxPool(
            kernel=kernel,
            strides=strides or kernel,
            pads=pads or (0,) * 2 * len(kernel),
            dilations=(1,) * len(kernel),
            ceil=ceil,
        )
        return self.add(op, x)

    def mean(self, x: str, keep_axes: bool = False) -> str:
        axes = tuple(range(1, len(self.shapes[x])))
        return self.add(GlobalAveragePool(axes=axes, keep_axes=keep_axes), x)

    def pad(self, x: str, before: tuple[int, ...], after: tuple[int, ...]) -> str:
        return self.add(Pad(before=before, after=after), x)

    def transpose(self, x: str, *order: int) -> str:
        return self.add(Transpose(order=order), x)

    def reshape(self, x: str, *target: int) -> str:
        return self.add(Reshape(target=target), x)

    def flat(self, x: str) -> str:
        return self.reshape(x, prod(self.shapes[x]))

    def softmax(self, x: str) -> str:
        return self.add(Softmax(), x)


def floats(values: ArrayLike) -> Array:
    """Give `values` as float32."""
    return np.asarray(values, np.float32)


def samples(graph: Graph, count: int, seed: int = 0) -> Array:
    """Draw samples in [0, 1], (count, *input shape), float32."""
    random = np.random.default_rng(seed)
    return random.uniform(0, 1, (count, *graph.input_shape)).astype(np.float32)
