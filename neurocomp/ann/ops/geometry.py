"""The geometry of sliding windows, as ONNX writes it, for convolution and pooling."""

from dataclasses import dataclass

from neurocomp.ann.op import OnnxNode
from neurocomp.ann.ops.attributes import integer, integers, text
from neurocomp.arrays import Shape
from neurocomp.errors import GraphError, ModelError
from neurocomp.snn.windows import Axis, Windows


@dataclass(frozen=True, slots=True, kw_only=True)
class Geometry:
    """Windows over one or two axes; tuples in the order of the axes, `pads` begins then ends."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    pads: tuple[int, ...]
    dilations: tuple[int, ...]
    ceil: bool = False  # a window may overhang the end, if it starts before it

    @property
    def rank(self) -> int:
        """Count the axes."""
        return len(self.kernel)

    def windows(self, shape: Shape) -> Windows:
        """Give the windows over a value of `shape`. Raises GraphError where none fits."""
        if len(shape) != self.rank + 1:
            wrong = f"has {len(shape) - 1} axes of positions, the windows {self.rank}"
            raise GraphError(f"shape {shape}", wrong)
        axes = [self._axis(i, shape[i + 1]) for i in range(self.rank)]
        for axis in axes:
            if axis.count < 1:
                wrong = f"a window of {axis.reach} does not fit into {axis.size}"
                raise GraphError(f"shape {shape}", wrong, "pad the input")
        unit = Axis(1, 1, 1, 0, 0, 1)
        return Windows(*axes) if self.rank == 2 else Windows(unit, *axes)

    def _axis(self, i: int, size: int) -> Axis:
        kernel, stride, dilation = self.kernel[i], self.strides[i], self.dilations[i]
        before, after = self.pads[i], self.pads[i + self.rank]
        axis = Axis(size, kernel, stride, before, after, dilation)
        if not self.ceil:
            return axis
        count = -(-(size + before + after - axis.reach) // stride) + 1
        if (count - 1) * stride >= size + before:
            return axis
        overhang = (count - 1) * stride + axis.reach - size - before
        return Axis(size, kernel, stride, before, max(after, overhang), dilation)

    def output(self, channels: int, shape: Shape) -> Shape:
        """Give the shape of `channels` values a window."""
        rows, columns = self.windows(shape).counts
        return (channels, rows, columns) if self.rank == 2 else (channels, columns)

    def planar(self, shape: Shape) -> tuple[tuple[int, int], tuple[int, int, int, int]]:
        """Give strides, and pads with the overhang, on the rows and columns of `volume(shape)`."""
        y, x = self.windows(shape).rows, self.windows(shape).columns
        return (y.stride, x.stride), (y.before, x.before, y.after, x.after)

    @property
    def planar_dilations(self) -> tuple[int, int]:
        """Give the dilations on rows and columns."""
        rows, columns = (1, *self.dilations)[-2:]
        return rows, columns

    @property
    def planar_kernel(self) -> tuple[int, int]:
        """Give the kernel's rows and columns."""
        rows, columns = (1, *self.kernel)[-2:]
        return rows, columns

    def onnx(self) -> dict[str, object]:
        """Give ONNX's attributes, without `ceil_mode`."""
        return {
            "kernel_shape": self.kernel,
            "strides": self.strides,
            "pads": self.pads,
            "dilations": self.dilations,
        }


def read_geometry(node: OnnxNode, kernel: tuple[int, ...], shape: Shape) -> Geometry:
    """Read a node's windows of `kernel` over a value of `shape`; auto_pad becomes pads.

    Raises ModelError for more than two axes.
    """
    rank = len(kernel)
    if rank not in (1, 2) or len(shape) != rank + 1:
        raise ModelError(
            node.name,
            f"{node.kind} slides over {len(shape) - 1} axes, 1 or 2 can be placed",
            "use a one- or two-dimensional network",
        )
    strides = integers(node, "strides", (1,) * rank)
    dilations = integers(node, "dilations", (1,) * rank)
    return Geometry(
        kernel=kernel,
        strides=strides,
        dilations=dilations,
        pads=_pads(node, kernel, strides, dilations, shape[1:]),
        ceil=bool(integer(node, "ceil_mode", 0)),
    )


def _pads(
    node: OnnxNode,
    kernel: tuple[int, ...],
    strides: tuple[int, ...],
    dilations: tuple[int, ...],
    sizes: tuple[int, ...],
) -> tuple[int, ...]:
    mode = text(node, "auto_pad", "NOTSET")
    if mode == "NOTSET":
        return integers(node, "pads", (0,) * (2 * len(kernel)))
    if mode == "VALID":
        return (0,) * (2 * len(kernel))
    less, more = [], []
    for size, k, stride, dilation in zip(sizes, kernel, strides, dilations, strict=True):
        reach = (k - 1) * dilation + 1
        total = max(0, (-(-size // stride) - 1) * stride + reach - size)
        less.append(total // 2)
        more.append(total - total // 2)
    return (*less, *more) if mode == "SAME_UPPER" else (*more, *less)
