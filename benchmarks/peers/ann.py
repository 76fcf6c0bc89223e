"""The same network before conversion, as an ONNX model for onnxruntime."""

import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from workloads import Array, Workload


def session(workload: Workload, kernels: list[Array], threads: int) -> onnxruntime.InferenceSession:
    """Open the trained network's forward pass."""
    nodes, constants, x = [], [], "x"
    for i, (layer, kernel) in enumerate(zip(workload.layers, kernels, strict=True)):
        if layer.pooled:
            pool = {"kernel_shape": [2, 2], "strides": [2, 2]}
            nodes.append(helper.make_node("AveragePool", [x], [f"pooled{i}"], **pool))
            x = f"pooled{i}"
        weight = kernel.astype("float32") / float(
            abs(kernel.astype("int64")).sum(axis=(1, 2, 3)).max()
        )
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
    graph = helper.make_graph(
        nodes,
        workload.name,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", *workload.shape])],
        [helper.make_tensor_value_info(x, TensorProto.FLOAT, None)],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(model.SerializeToString(), options)
