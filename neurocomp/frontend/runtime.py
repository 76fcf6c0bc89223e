"""Run ONNX models with onnxruntime."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as state

from neurocomp.arrays import Array
from neurocomp.errors import ModelError

FAILURES = (
    state.EPFail,
    state.Fail,
    state.InvalidArgument,
    state.InvalidGraph,
    state.InvalidProtobuf,
    state.NoModel,
    state.NoSuchFile,
    state.NotImplemented,
    state.RuntimeException,
)
DTYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64}


def open_session(model: onnx.ModelProto | Path) -> Any:
    """Open a model, or the file of one, in onnxruntime. Raises ModelError where it refuses."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    source = model.SerializeToString() if isinstance(model, onnx.ModelProto) else str(model)
    try:
        return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    except FAILURES as error:
        where = "model" if isinstance(model, onnx.ModelProto) else str(model)
        raise ModelError(where, f"onnxruntime refuses it: {error}", "repair the model") from error


def run_model(
    model: onnx.ModelProto | Path,
    samples: Array,
    outputs: Sequence[str] | None = None,
    batch: int = 256,
) -> dict[str, Array]:
    """Give the model's outputs, or those named, (samples, ...), of `samples`, (samples, ...).

    A model whose batch is fixed is fed that many at a time. Raises ModelError for samples that do
    not fit.
    """
    return opened(model, outputs, batch)(samples)


def opened(
    model: onnx.ModelProto | Path, outputs: Sequence[str] | None = None, batch: int = 256
) -> Callable[[Array], dict[str, Array]]:
    """Give what runs the model as `run_model` does, for samples that come in several parts."""
    session = open_session(model)
    names = list(outputs or (o.name for o in session.get_outputs()))

    def run(samples: Array) -> dict[str, Array]:
        x = _input(session, samples)
        size = x.shape[0] if isinstance(x.shape[0], int) else batch
        parts: list[list[Array]] = []
        for start in range(0, len(samples), size):
            part = samples[start : start + size].astype(DTYPES[x.type])
            whole = part
            if isinstance(x.shape[0], int) and len(part) < size:
                whole = np.concatenate([part, np.repeat(part[:1], size - len(part), axis=0)])
            parts.append([r[: len(part)] for r in _run(session, names, {x.name: whole})])
        return {n: np.concatenate([p[i] for p in parts]) for i, n in enumerate(names)}

    return run


def _run(session: Any, names: list[str], feed: dict[str, Array]) -> list[Array]:
    try:
        results: list[Array] = session.run(names, feed)
    except (*FAILURES, ValueError) as error:
        raise ModelError("model", f"onnxruntime fails: {error}", "check the samples") from error
    return results


def _input(session: Any, samples: Array) -> Any:
    inputs = session.get_inputs()
    if len(inputs) != 1 or inputs[0].type not in DTYPES:
        listed = ", ".join(f"{i.name}: {i.type}" for i in inputs)
        raise ModelError("model", f"takes {listed}, 1 float input is needed", "cut the model")
    (x,) = inputs
    fits = samples.ndim == len(x.shape) and len(samples) > 0
    sizes = zip(samples.shape[1:], x.shape[1:], strict=False)
    if not fits or any(isinstance(b, int) and a != b for a, b in sizes):
        wrong = f"takes {_text(x.shape)}, the samples have shape {samples.shape}"
        raise ModelError(x.name, wrong, "give samples of the model's shape")
    return x


def _text(shape: Sequence[object]) -> str:
    return "(" + ", ".join(map(str, shape)) + ")"
