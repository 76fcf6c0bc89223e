"""The reader of EfficientNet-Lite0: a small checkpoint of the same kind, written here."""

import io
import pickle
import runpy
from collections import OrderedDict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import onnx
import onnxruntime
import pytest

from neurocomp.frontend.onnx import load

PAPER = Path(__file__).parents[1] / "examples" / "paper"
TENSORS = runpy.run_path(str(PAPER / "tensors.py"))
NETWORK = runpy.run_path(str(PAPER / "efficientnet_net.py"))
CHANNELS = (4, 3, 2, 2, 3, 3, 5, 5, 5, 2, 2, 2, 4, 4, 4, 4, 3)  # of the stem and of every block
KERNELS = (3, 3, 3, 5, 5, 3, 3, 3, 5, 5, 5, 5, 5, 5, 5, 3)
RESIDUAL = (2, 4, 6, 7, 9, 10, 12, 13, 14)


def layers() -> Iterator[tuple[str, str, tuple[int, int, int]]]:
    """Give every convolution's name, its normalisation's, and channels out, in, and kernel."""
    yield "_conv_stem", "_bn0", (CHANNELS[0], 3, 3)
    for block, (before, after) in enumerate(pairwise(CHANNELS)):
        key, wide = f"_blocks.{block}", before * (2 if block else 1)
        if block:
            yield f"{key}._expand_conv", f"{key}._bn0", (wide, before, 1)
        yield f"{key}._depthwise_conv", f"{key}._bn1", (wide, 1, KERNELS[block])
        yield f"{key}._project_conv", f"{key}._bn2", (after, wide, 1)
    yield "_conv_head", "_bn1", (6, CHANNELS[-1], 1)


def checkpoint() -> dict[str, np.ndarray]:
    """Give random weights under the names of the original."""
    draw, found = np.random.default_rng(3), {}
    for conv, norm, (outs, ins, kernel) in layers():
        found[f"{conv}.weight"] = draw.normal(
            0, (ins * kernel**2) ** -0.5, (outs, ins, *[kernel] * 2)
        )
        for part in ("weight", "bias", "running_mean"):
            found[f"{norm}.{part}"] = draw.normal(0.5, 0.5, outs)
        found[f"{norm}.running_var"] = draw.uniform(0.5, 2, outs)
    found["_fc.weight"], found["_fc.bias"] = draw.normal(size=(7, 6)), draw.normal(size=7)
    return {name: value.astype(np.float32) for name, value in found.items()}


def convolved(x: np.ndarray, weight: np.ndarray, stride: int) -> np.ndarray:
    """Convolve as TensorFlow does with padding SAME, one (channels, rows, columns) sample."""
    outs, ins, kernel, _ = weight.shape
    rows = -(-x.shape[1] // stride)
    pad = max(0, (rows - 1) * stride + kernel - x.shape[1])
    sides = (pad // 2, pad - pad // 2)
    x = np.pad(x, ((0, 0), sides, sides))
    x = x if ins == len(x) else x.reshape(outs, 1, *x.shape[1:])
    found = np.zeros((outs, rows, rows))
    for i in range(kernel):
        for j in range(kernel):
            end = (rows - 1) * stride + 1
            seen = x[..., i : i + end : stride, j : j + end : stride]
            each = weight[:, :, i, j]
            found += (
                np.einsum("oi,oiyx->oyx", each, seen)
                if seen.ndim == 4
                else np.einsum("oi,iyx->oyx", each, seen)
            )
    return found


def meaning(tensors: dict[str, np.ndarray], photo: np.ndarray) -> np.ndarray:
    """Run the network as the paper describes it, in float64."""

    def layer(x: np.ndarray, conv: str, norm: str, stride: int = 1) -> np.ndarray:
        x = convolved(x, tensors[f"{conv}.weight"], stride)
        scale, shift, mean, var = (
            tensors[f"{norm}.{part}"][:, None, None].astype(np.float64)
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        return (x - mean) / np.sqrt(var + 1e-3) * scale + shift

    def relu6(x: np.ndarray) -> np.ndarray:
        return np.clip(x, 0, 6)

    x = relu6(layer((photo - 127.0) / 128.0, "_conv_stem", "_bn0", 2))
    for block in range(16):
        key, given = f"_blocks.{block}", x
        if block:
            x = relu6(layer(x, f"{key}._expand_conv", f"{key}._bn0"))
        stride = 2 if block in (1, 3, 5, 11) else 1
        x = relu6(layer(x, f"{key}._depthwise_conv", f"{key}._bn1", stride))
        x = layer(x, f"{key}._project_conv", f"{key}._bn2")
        x = x + given if block in RESIDUAL else x
    x = relu6(layer(x, "_conv_head", "_bn1")).mean(axis=(1, 2))
    return tensors["_fc.weight"] @ x + tensors["_fc.bias"]


class Stored(NamedTuple):
    """A storage, which pickles as a reference to what follows the pickles."""

    key: str
    size: int


class Name:
    """A function or class of torch, which pickles by its name."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name

    def __call__(self) -> None:
        """Stand for what can be called."""


class Rebuilt:
    """A tensor, which pickles as a call of a function of torch."""

    def __init__(self, stored: Stored, shape: tuple[int, ...]) -> None:
        steps = [int(np.prod(shape[i + 1 :])) for i in range(len(shape))]
        self.arguments = (stored, 0, shape, tuple(steps), False, OrderedDict())


class Writer(pickle._Pickler):
    """Writes what torch 1.5 wrote, without it."""

    dispatch: ClassVar[Any] = dict(pickle._Pickler.dispatch)

    def persistent_id(self, value: Any) -> Any:
        if isinstance(value, Stored):
            return ("storage", Name("torch", "FloatStorage"), value.key, "cpu", value.size, None)
        return None

    def named(self, value: Name) -> None:
        self.write(b"c" + f"{value.module}\n{value.name}\n".encode())

    def rebuilt(self, value: Rebuilt) -> None:
        self.save_reduce(Name("torch._utils", "_rebuild_tensor_v2"), value.arguments, obj=value)

    dispatch[Name] = named
    dispatch[Rebuilt] = rebuilt


def legacy(tensors: dict[str, np.ndarray]) -> bytes:
    """Write a state dict as torch 1.5 did."""
    file = io.BytesIO()
    keys = {name: str(place) for place, name in enumerate(tensors)}
    state = OrderedDict((n, Rebuilt(Stored(keys[n], t.size), t.shape)) for n, t in tensors.items())
    for part in (TENSORS["MAGIC"], TENSORS["PROTOCOL"], {"little_endian": True}, state):
        Writer(file, 2).dump(part)
    Writer(file, 2).dump(list(keys.values()))
    for value in tensors.values():
        file.write(np.int64(value.size).tobytes() + np.ascontiguousarray(value).tobytes())
    return file.getvalue()


def test_a_checkpoint_is_read_without_torch() -> None:
    tensors = checkpoint()
    read = TENSORS["read_tensors"](io.BytesIO(legacy(tensors)))
    assert list(read) == list(tensors)
    for name, value in tensors.items():
        assert np.array_equal(read[name], value), name


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04 a newer file",
        legacy(checkpoint())[:5_000],
        legacy(checkpoint())[:-1],
        b"cposix\nsystem\n(S'true'\ntR.",  # would run a command
        pickle.dumps(1),
    ],
    ids=["empty", "zip", "cut in the pickles", "cut in the numbers", "command", "number"],
)
def test_what_is_no_checkpoint_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"torch 1\.5"):
        TENSORS["read_tensors"](io.BytesIO(content))


def test_the_network_computes_what_the_paper_describes(tmp_path: Path) -> None:
    tensors = checkpoint()
    path = tmp_path / "small.onnx"
    path.write_bytes(NETWORK["to_onnx"](tensors))
    photo = np.random.default_rng(4).integers(0, 256, (3, 224, 224)).astype(np.float32)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (logits,) = session.run(None, {"photo": photo[None]})
    assert np.allclose(logits[0], meaning(tensors, photo), rtol=1e-3, atol=1e-4)
    kinds = [node.op_type for node in onnx.load(path).graph.node]
    assert (kinds.count("Conv"), kinds.count("Clip"), kinds.count("Add")) == (49, 33, 9)
    assert load(path).input_shape == (3, 224, 224)
