"""Read a Keras `Sequential` network from HDF5 and write it as ONNX, channels first.

Needs h5py, onnx and numpy; not Keras. Layers: Conv2D, BatchNormalization, MaxPooling2D, Flatten,
Dense, Dropout, each with no activation or a ReLU. Any other layer or option ends in ValueError.
"""

import json
from typing import IO, Any

import h5py
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 18


def to_onnx(file: IO[bytes]) -> bytes:
    """Give the ONNX file of the network in an HDF5 `file`."""
    with h5py.File(file, "r") as stored:
        config = json.loads(stored.attrs["model_config"])
        if config["class_name"] != "Sequential":
            raise ValueError(f"a {config['class_name']} network, not a Sequential one")
        return _Writer(stored["model_weights"]).write(config["config"]["layers"])


class _Writer:
    """The nodes so far, and the name of the last value."""

    def __init__(self, weights: h5py.Group) -> None:
        self.weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.value = "image"

    def write(self, layers: list[dict[str, Any]]) -> bytes:
        """Write every layer; the first gives the shape of the input."""
        height, width, channels = layers[0]["config"]["batch_input_shape"][1:]
        for layer in layers:
            self.layer(layer["class_name"], layer["config"])
        shapes = {"image": ["batch", channels, height, width], self.value: ["batch", None]}
        made = {
            n: helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in shapes.items()
        }
        graph = helper.make_graph(
            self.nodes, "graph", [made["image"]], [made[self.value]], self.constants
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9
        )
        onnx.checker.check_model(model, full_check=True)
        return model.SerializeToString(deterministic=True)

    def layer(self, kind: str, config: dict[str, Any]) -> None:
        """Append one layer and its activation."""
        name = config["name"]
        if config.get("data_format", "channels_last") != "channels_last":
            raise ValueError(f"{name}: data format {config['data_format']}, not channels_last")
        if kind == "Conv2D":
            kernel = self.stored(name, "kernel").transpose(3, 2, 0, 1)
            self.node(
                "Conv", name, {"weight": kernel, "bias": self.bias(config)}, **_window(config)
            )
        elif kind == "Dense":
            parts = {"weight": self.stored(name, "kernel"), "bias": self.bias(config)}
            self.node("Gemm", name, parts)
        elif kind == "BatchNormalization":
            parts = {
                what: self.stored(name, stored)
                for what, stored in (
                    ("scale", "gamma"),
                    ("shift", "beta"),
                    ("mean", "moving_mean"),
                    ("var", "moving_variance"),
                )
            }
            self.node("BatchNormalization", name, parts, epsilon=config["epsilon"])
        elif kind == "MaxPooling2D":
            self.node("MaxPool", name, {}, kernel_shape=config["pool_size"], **_window(config))
        elif kind == "Flatten":
            self.node("Transpose", f"{name}.last", {}, perm=[0, 2, 3, 1])
            self.node("Flatten", name, {})
        elif kind not in ("InputLayer", "Dropout"):
            raise ValueError(f"{name}: a {kind} layer cannot be read")
        activation = config.get("activation", "linear")
        if activation == "relu":
            self.node("Relu", f"{name}.relu", {})
        elif activation != "linear":
            raise ValueError(f"{name}: activation {activation}, not linear or relu")

    def node(self, kind: str, name: str, parts: dict[str, np.ndarray], **options: object) -> None:
        """Append a node of the last value and of constants."""
        for what, array in parts.items():
            self.constants.append(
                numpy_helper.from_array(np.ascontiguousarray(array), f"{name}.{what}")
            )
        inputs = [self.value, *(f"{name}.{what}" for what in parts)]
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **options))
        self.value = name

    def stored(self, layer: str, what: str) -> np.ndarray:
        """Give one array of a layer."""
        return np.asarray(self.weights[f"{layer}/{layer}/{what}:0"])

    def bias(self, config: dict[str, Any]) -> np.ndarray:
        """Give a layer's bias, zeros where it has none."""
        if config["use_bias"]:
            return self.stored(config["name"], "bias")
        return np.zeros(config.get("filters", config.get("units")), np.float32)


def _window(config: dict[str, Any]) -> dict[str, object]:
    """Give strides and padding."""
    if config["padding"] != "valid":
        raise ValueError(f"{config['name']}: padding {config['padding']}, not valid")
    return {"strides": config["strides"]}
