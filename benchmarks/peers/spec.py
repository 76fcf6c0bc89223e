"""What a workload is: a chain of layers, an input, and how long it runs."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Layer:
    """A convolution with a square kernel, or a dense layer where `kernel` is 0."""

    outs: int
    kernel: int = 0
    pad: int = 0
    pooled: bool = False  # after a 2 x 2 average pooling


@dataclass(frozen=True)
class Workload:
    """A network, the steps of a run, and the images that run side by side."""

    name: str
    shape: tuple[int, int, int]
    layers: tuple[Layer, ...]
    steps: int
    images: int
