"""The same network before conversion, as an ONNX model for onnxruntime."""

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from spec import Workload

Array = np.ndarray


def scale(kernel: Array) -> float:
    """Give what a kernel is divided by, so that activations keep their size."""
    return float(np.sqrt((kernel.astype(np.float32) ** 2).mean() * kernel[0].size))


def session(
    workload: Workload, kernels: list[Array], threads: int, every: bool = False
) -> onnxruntime.InferenceSession:
    """Open the trained network's forward pass; `every` gives all activations, too."""
    nodes, constants, x = [], [], "x"
    for i, (layer, kernel) in enumerate(zip(workload.layers, kernels, strict=True)):
        if layer.pooled:
            pool = {"kernel_shape": [2, 2], "strides": [2, 2]}
            nodes.append(helper.make_node("AveragePool", [x], [f"pooled{i}"], **pool))
            x = f"pooled{i}"
        weight = kernel.astype(np.float32) / np.float32(scale(kernel))
        if layer.kernel:
            nodes.append(helper.make_node("Conv", [x, f"w{i}"], [f"y{i}"], pads=[layer.pad] * 4))
        else:
            nodes.append(helper.make_node("Flatten", [x], [f"flat{i}"]))
            nodes.append(helper.make_node("Gemm", [f"flat{i}", f"w{i}"], [f"y{i}"], transB=1))
            weight = weight.reshape(layer.outs, -1)
        constants.append(numpy_helper.from_array(weight, f"w{i}"))
        x = f"y{i}"
        if i + 1 < len(workload.layers):
            nodes.append(helper.make_node("Relu", [x], [f"relu{i}"]))
            x = f"relu{i}"
    given = [*(n.output[0] for n in nodes if n.op_type == "Relu" and every), x]
    graph = helper.make_graph(
        nodes,
        workload.name,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", *workload.shape])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in given],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return opened(model.SerializeToString(), threads)


def opened(model: bytes | str, threads: int) -> onnxruntime.InferenceSession:
    """Open a model; threads that wait do not spin, which would count as work."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(model, options)


def thresholds(workload: Workload, kernels: list[Array], images: Array, rate: float) -> list[float]:
    """Give thresholds, in units of the weights, at which mean drives make layers fire at `rate`."""
    *activations, _ = session(workload, kernels, 1, every=True).run(None, {"x": images})
    means = [float(a.mean()) for a in activations]
    before = [rate, *means[:-1]]
    return [m / b * scale(k) for m, b, k in zip(means, before, kernels[:-1], strict=True)]
