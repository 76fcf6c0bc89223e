"""Write EfficientNet-Lite0 as ONNX: convolutions, batch normalisation, ReLU6, residual sums.

Input: photos (n, 3, 224, 224) in 0..255; the normalisation that it was trained with is part of the
network. The shape is that of Tan and Le 2019 without squeeze and excitation, with ReLU6; weights
by the state dict's names. Needs onnx and numpy.
"""

from collections.abc import Mapping

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

OPSET = 18
SIZE = 224
BLOCKS = 16
HALVING = (1, 3, 5, 11)  # blocks whose depthwise convolution has stride 2
EPSILON = 1e-3  # of batch normalisation
MEAN = 127.0
STD = 128.0

Tensors = Mapping[str, NDArray[np.float32]]


def to_onnx(tensors: Tensors) -> bytes:
    """Give the ONNX file of the network with the weights of a state dict."""
    return _Writer(tensors).write()


class _Writer:
    """The nodes so far, the name of the last value, and its rows."""

    def __init__(self, tensors: Tensors) -> None:
        self.tensors = tensors
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.value = "photo"
        self.rows = SIZE

    def write(self) -> bytes:
        """Write every layer."""
        self.node("Sub", "mean", {"value": np.array(MEAN)})
        self.node("Div", "std", {"value": np.array(STD)})
        self.layer("stem", "_conv_stem", "_bn0", stride=2)
        for block in range(BLOCKS):
            self.block(block, f"_blocks.{block}", f"block{block}")
        self.layer("head", "_conv_head", "_bn1")
        self.node("GlobalAveragePool", "pool", {})
        self.node("Flatten", "flat", {})
        parts = {"weight": self.tensors["_fc.weight"], "bias": self.tensors["_fc.bias"]}
        self.node("Gemm", "classes", parts, transB=1)
        shapes = {"photo": ["batch", 3, SIZE, SIZE], "classes": ["batch", len(parts["bias"])]}
        made = {
            n: helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in shapes.items()
        }
        graph = helper.make_graph(
            self.nodes, "graph", [made["photo"]], [made["classes"]], self.constants
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9
        )
        onnx.checker.check_model(model, full_check=True)
        return model.SerializeToString(deterministic=True)

    def block(self, index: int, key: str, name: str) -> None:
        """Append an inverted bottleneck: expand, depthwise, project, and maybe a residual sum."""
        given = self.value
        if f"{key}._expand_conv.weight" in self.tensors:
            self.layer(f"{name}.expand", f"{key}._expand_conv", f"{key}._bn0")
        stride = 2 if index in HALVING else 1
        self.layer(f"{name}.depthwise", f"{key}._depthwise_conv", f"{key}._bn1", stride)
        self.layer(f"{name}.project", f"{key}._project_conv", f"{key}._bn2", neurons=False)
        channels = len(self.tensors[f"{key}._project_conv.weight"])
        before = self.tensors.get(f"{key}._expand_conv.weight")
        if stride == 1 and before is not None and before.shape[1] == channels:
            self.nodes.append(helper.make_node("Add", [self.value, given], [name], name=name))
            self.value = name

    def layer(
        self, name: str, conv: str, norm: str, stride: int = 1, *, neurons: bool = True
    ) -> None:
        """Append a convolution padded as TensorFlow's SAME, its normalisation, and ReLU6."""
        weight = self.tensors[f"{conv}.weight"]
        kernel = weight.shape[2]
        rows = -(-self.rows // stride)
        pad = max(0, (rows - 1) * stride + kernel - self.rows)
        sides = [pad // 2, pad // 2, pad - pad // 2, pad - pad // 2]
        depthwise = weight.shape[1] == 1
        self.node(
            "Conv",
            name,
            {"weight": weight},
            strides=[stride, stride],
            pads=sides,
            group=len(weight) if depthwise else 1,
        )
        self.rows = rows
        parts = {
            what: self.tensors[f"{norm}.{stored}"]
            for what, stored in (
                ("scale", "weight"),
                ("shift", "bias"),
                ("mean", "running_mean"),
                ("var", "running_var"),
            )
        }
        self.node("BatchNormalization", f"{name}.norm", parts, epsilon=EPSILON)
        if neurons:
            limits = {"least": np.array(0), "most": np.array(6)}
            self.node("Clip", f"{name}.relu6", limits)

    def node(self, kind: str, name: str, parts: Mapping[str, NDArray], **options: object) -> None:
        """Append a node of the last value and of constants."""
        for what, array in parts.items():
            kept = np.ascontiguousarray(array, np.float32).reshape(np.shape(array))
            self.constants.append(numpy_helper.from_array(kept, f"{name}.{what}"))
        inputs = [self.value, *(f"{name}.{what}" for what in parts)]
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **options))
        self.value = name
