"""Inception-v3 in its published shape with seeded weights, written as ONNX.

94 convolutions, each with batch normalisation and ReLU, on 299 x 299 (Szegedy et al. 2016, in the
arrangement of torchvision's and of Keras' `inception_v3`), without the auxiliary head, which
serves training alone. Kernels are drawn as He et al. 2015 do; the means and variances of batch
normalisation are those of photos, so that every channel is as alive as in a trained network.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from fetch import cache, fill, photos
from onnx import TensorProto, helper, numpy_helper

SEED = 2017
SIZE = 299
CLASSES = 1000
EPSILON = 1e-3
SEEN = 32  # images, of 16 photos, that the means and variances are of, and that calibrate
OPSET = 18

Pair = tuple[int, int]


@dataclass(frozen=True)
class Value:
    """A value by its name, with what it is for the photos, (photos, channels, rows, columns)."""

    name: str
    array: np.ndarray


@dataclass
class Writer:
    """The nodes so far; each is run as it is written."""

    random: np.random.Generator
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)

    def node(
        self, kind: str, name: str, inputs: Sequence[Value], *parts: np.ndarray, **how
    ) -> Value:
        """Append a node of values and then constants, and give its value."""
        given = [numpy_helper.from_array(p, f"{name}.{n}") for n, p in enumerate(parts)]
        names = [*(v.name for v in inputs), *(g.name for g in given)]
        made = helper.make_node(kind, names, [name], name=name, **how)
        self.nodes.append(made)
        self.constants += given
        return Value(name, _run(made, inputs, given))

    def conv(
        self, x: Value, name: str, channels: int, kernel: Pair, stride: int = 1, pad: Pair = (0, 0)
    ) -> Value:
        """Append a convolution without bias, batch normalisation and ReLU."""
        shape = (channels, x.array.shape[1], *kernel)
        scale = np.sqrt(2 / np.prod(shape[1:]))
        kernels = (scale * self.random.standard_normal(shape)).astype(np.float32)
        made = self.node(
            "Conv", f"{name}.conv", [x], kernels, strides=[stride, stride], pads=[*pad, *pad]
        )
        mean, var = made.array.mean(axis=(0, 2, 3)), made.array.var(axis=(0, 2, 3))
        gain = self.random.uniform(0.5, 1.5, channels).astype(np.float32)
        shift = self.random.normal(0, 0.5, channels).astype(np.float32)
        made = self.node(
            "BatchNormalization", f"{name}.norm", [made], gain, shift, mean, var, epsilon=EPSILON
        )
        return self.node("Relu", name, [made])

    def chain(
        self, x: Value, name: str, *layers: tuple[int, Pair] | tuple[int, Pair, int]
    ) -> Value:
        """Append convolutions one after the other; those of stride 1 keep the size."""
        for n, (channels, kernel, *stride) in enumerate(layers, start=1):
            pad = (0, 0) if stride else (kernel[0] // 2, kernel[1] // 2)
            x = self.conv(x, f"{name}.{n}", channels, kernel, *stride, pad=pad)
        return x

    def average(self, x: Value, name: str) -> Value:
        """Append the 3 x 3 average that keeps the size; what lies outside counts as 0."""
        return self.node(
            "AveragePool",
            name,
            [x],
            kernel_shape=[3, 3],
            strides=[1, 1],
            pads=[1] * 4,
            count_include_pad=1,
        )

    def most(self, x: Value, name: str) -> Value:
        """Append the 3 x 3 maximum that halves the size."""
        return self.node("MaxPool", name, [x], kernel_shape=[3, 3], strides=[2, 2])

    def join(self, name: str, *branches: Value) -> Value:
        """Append branches side by side."""
        return self.node("Concat", name, branches, axis=1)


def _run(
    node: onnx.NodeProto, inputs: Sequence[Value], constants: Sequence[onnx.TensorProto]
) -> np.ndarray:
    """Run one node."""
    wires = [
        helper.make_tensor_value_info(v.name, TensorProto.FLOAT, v.array.shape) for v in inputs
    ]
    end = helper.make_tensor_value_info(node.output[0], TensorProto.FLOAT, None)
    graph = helper.make_graph([node], "node", wires, [end], constants)
    session = onnxruntime.InferenceSession(
        _model(graph).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, {v.name: v.array for v in inputs})[0]


def _model(graph: onnx.GraphProto) -> onnx.ModelProto:
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)


def stem(net: Writer, x: Value) -> Value:
    """Append five convolutions and two pools: 192 channels of 35 x 35."""
    x = net.conv(x, "stem.1", 32, (3, 3), 2)
    x = net.conv(x, "stem.2", 32, (3, 3))
    x = net.conv(x, "stem.3", 64, (3, 3), pad=(1, 1))
    x = net.most(x, "stem.pool1")
    x = net.conv(x, "stem.4", 80, (1, 1))
    x = net.conv(x, "stem.5", 192, (3, 3))
    return net.most(x, "stem.pool2")


def module_a(net: Writer, x: Value, name: str, pooled: int) -> Value:
    """Append branches of 1 x 1, 5 x 5, twice 3 x 3, and an average: 35 x 35."""
    return net.join(
        name,
        net.chain(x, f"{name}.1x1", (64, (1, 1))),
        net.chain(x, f"{name}.5x5", (48, (1, 1)), (64, (5, 5))),
        net.chain(x, f"{name}.3x3", (64, (1, 1)), (96, (3, 3)), (96, (3, 3))),
        net.chain(net.average(x, f"{name}.average"), f"{name}.pool", (pooled, (1, 1))),
    )


def module_b(net: Writer, x: Value, name: str) -> Value:
    """Append branches that halve the size: 768 channels of 17 x 17."""
    return net.join(
        name,
        net.chain(x, f"{name}.3x3", (384, (3, 3), 2)),
        net.chain(x, f"{name}.double", (64, (1, 1)), (96, (3, 3)), (96, (3, 3), 2)),
        net.most(x, f"{name}.most"),
    )


def module_c(net: Writer, x: Value, name: str, inner: int) -> Value:
    """Append branches of 7 x 1 and 1 x 7: 17 x 17."""
    row, column = (1, 7), (7, 1)
    long = [(inner, kernel) for kernel in (column, row, column)]
    return net.join(
        name,
        net.chain(x, f"{name}.1x1", (192, (1, 1))),
        net.chain(x, f"{name}.7x7", (inner, (1, 1)), (inner, row), (192, column)),
        net.chain(x, f"{name}.double", (inner, (1, 1)), *long, (192, row)),
        net.chain(net.average(x, f"{name}.average"), f"{name}.pool", (192, (1, 1))),
    )


def module_d(net: Writer, x: Value, name: str) -> Value:
    """Append branches that halve the size: 1280 channels of 8 x 8."""
    row, column = (192, (1, 7)), (192, (7, 1))
    return net.join(
        name,
        net.chain(x, f"{name}.3x3", (192, (1, 1)), (320, (3, 3), 2)),
        net.chain(x, f"{name}.7x7", (192, (1, 1)), row, column, (192, (3, 3), 2)),
        net.most(x, f"{name}.most"),
    )


def module_e(net: Writer, x: Value, name: str) -> Value:
    """Append branches that split once more: 2048 channels of 8 x 8."""
    short = net.chain(x, f"{name}.3x3", (384, (1, 1)))
    long = net.chain(x, f"{name}.double", (448, (1, 1)), (384, (3, 3)))
    ends = [
        net.chain(v, f"{v.name}.{n}", (384, kernel))
        for v in (short, long)
        for n, kernel in (("row", (1, 3)), ("column", (3, 1)))
    ]
    return net.join(
        name,
        net.chain(x, f"{name}.1x1", (320, (1, 1))),
        net.join(f"{name}.3x3", *ends[:2]),
        net.join(f"{name}.double", *ends[2:]),
        net.chain(net.average(x, f"{name}.average"), f"{name}.pool", (192, (1, 1))),
    )


def head(net: Writer, x: Value) -> Value:
    """Append the mean of each channel, and the classes."""
    x = net.node("GlobalAveragePool", "mean", [x])
    x = net.node("Flatten", "flat", [x])
    pre = x.array.shape[1]
    weight = net.random.normal(0, np.sqrt(1 / pre), (CLASSES, pre)).astype(np.float32)
    return net.node("Gemm", "classes", [x], weight, np.zeros(CLASSES, np.float32), transB=1)


def build(images: np.ndarray) -> bytes:
    """Give the whole network as an ONNX file; `images` are (photos, 3, 299, 299)."""
    net, x = Writer(np.random.default_rng(SEED)), Value("image", images)
    x = stem(net, x)
    for n, pooled in enumerate((32, 64, 64), start=1):
        x = module_a(net, x, f"a{n}", pooled)
    x = module_b(net, x, "b")
    for n, inner in enumerate((128, 160, 160, 192), start=1):
        x = module_c(net, x, f"c{n}", inner)
    x = module_d(net, x, "d")
    for n in (1, 2):
        x = module_e(net, x, f"e{n}")
    x = head(net, x)
    ends = {"image": ["batch", 3, SIZE, SIZE], x.name: ["batch", CLASSES]}
    wires = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in ends.items()]
    graph = helper.make_graph(net.nodes, "inception-v3", wires[:1], wires[1:], net.constants)
    model = _model(graph)
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)


def images() -> np.ndarray:
    """Give 20 photos, each made smaller and its middle, (40, 3, 299, 299) in [-1, 1]."""
    from PIL import Image

    made = []
    for photo in photos("imagenet")[0]:
        whole = Image.fromarray(photo)
        left, top = ((side - SIZE) // 2 for side in whole.size)
        made += [whole.resize((SIZE, SIZE)), whole.crop((left, top, left + SIZE, top + SIZE))]
    return (
        np.stack([np.asarray(image) for image in made]).transpose(0, 3, 1, 2).astype(np.float32)
        / np.float32(127.5)
        - 1
    )


def inception_v3() -> Path:
    """Give the network's file in the cache, written the first time only."""
    path = cache() / f"inception-v3-seed{SEED}.onnx"
    if not path.exists():
        made = build(images()[:SEEN])
        fill(path, lambda file: file.write(made))
    return path


if __name__ == "__main__":
    print(inception_v3())
