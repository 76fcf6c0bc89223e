"""The operators. The order matters: the first that takes a node reads it."""

from neurocomp.ann.op import OnnxNode, Op
from neurocomp.ann.ops.affine import Affine
from neurocomp.ann.ops.average_pool import AveragePool
from neurocomp.ann.ops.clip import Clip
from neurocomp.ann.ops.concat import Concat
from neurocomp.ann.ops.conv import Conv
from neurocomp.ann.ops.global_average_pool import GlobalAveragePool
from neurocomp.ann.ops.heaviside import Heaviside
from neurocomp.ann.ops.identity import Identity
from neurocomp.ann.ops.linear import Linear
from neurocomp.ann.ops.max_pool import MaxPool
from neurocomp.ann.ops.max_relu import MaxRelu
from neurocomp.ann.ops.pad import Pad
from neurocomp.ann.ops.relay import Relay
from neurocomp.ann.ops.relu import Relu
from neurocomp.ann.ops.reshape import Reshape
from neurocomp.ann.ops.softmax import Softmax
from neurocomp.ann.ops.sum import Sum
from neurocomp.ann.ops.transpose import Transpose
from neurocomp.errors import ModelError

OPS: tuple[type[Op], ...] = (
    Conv,
    Linear,
    Affine,
    Sum,
    Concat,
    AveragePool,
    GlobalAveragePool,
    Pad,
    Transpose,
    Relu,
    Clip,
    Heaviside,
    MaxPool,
    Reshape,
    Identity,
    Softmax,
)


def read(node: OnnxNode) -> Op:
    """Give the operator that takes `node`. Raises ModelError where none does."""
    for op in OPS:
        if node.kind in op.onnx:
            made = op.from_onnx(node)
            if made is not None:
                return made
    raise ModelError(node.name, f"{node.kind} is not supported", "see `neurocomp list ops`")


__all__ = [
    "OPS",
    "Affine",
    "AveragePool",
    "Clip",
    "Concat",
    "Conv",
    "GlobalAveragePool",
    "Heaviside",
    "Identity",
    "Linear",
    "MaxPool",
    "MaxRelu",
    "Pad",
    "Relay",
    "Relu",
    "Reshape",
    "Softmax",
    "Sum",
    "Transpose",
    "read",
]
