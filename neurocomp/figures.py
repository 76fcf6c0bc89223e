"""Figures of an evaluation, of a search and of a sweep, with matplotlib, which is optional."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from neurocomp.errors import MissingError
from neurocomp.evaluation import Evaluation, Layer
from neurocomp.sweep import Swept
from neurocomp.tuning import UNITS, Currency, Point

COLUMNS = 3


def draw(found: Evaluation, folder: Path) -> tuple[Path, ...]:
    """Write all figures into `folder` and give their paths. Raises MissingError without matplotlib.

    Error against operations and against steps, rates against activations, and histograms of both.
    """
    need_matplotlib()
    from matplotlib.figure import Figure

    folder.mkdir(parents=True, exist_ok=True)
    made = {"error_operations": Figure(layout="constrained"), "error_steps": Figure()}
    _error_operations(made["error_operations"].subplots(), found)
    _error_steps(made["error_steps"].subplots(), found)
    for name, one in (("correlation", _correlation), ("histograms", _histograms)):
        if found.layers:
            rows = -(-len(found.layers) // COLUMNS)
            figure = Figure(figsize=(4 * COLUMNS, 3.2 * rows), layout="constrained")
            axes = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
            for layer, each in zip(found.layers, axes, strict=False):
                one(each, layer)
            for unused in axes[len(found.layers) :]:
                unused.set_axis_off()
            made[name] = figure
    paths = []
    for name, figure in made.items():
        path = folder / f"{name}.png"
        figure.savefig(path, dpi=120)
        paths.append(path)
    return tuple(paths)


def need_matplotlib() -> None:
    """Raise MissingError where matplotlib is not installed."""
    if find_spec("matplotlib") is None:
        raise MissingError(
            "figures", "matplotlib is not installed", "pip install 'neurocomp[figures]'"
        )


def draw_front(
    points: Sequence[Point],
    front: Sequence[Point],
    chosen: Point,
    currency: Currency,
    trained: float | None,
    path: Path,
) -> None:
    """Draw every point of a search, its front and its choice to `path`.

    Raises MissingError without matplotlib.
    """
    need_matplotlib()
    from matplotlib.figure import Figure

    figure = Figure(layout="constrained")
    axes = figure.subplots()
    for few, style, label in (
        (points, {"color": "0.8", "marker": ".", "linestyle": ""}, "tried"),
        (front, {"marker": "o", "drawstyle": "steps-post"}, "front"),
        ((chosen,), {"color": "C3", "marker": "*", "markersize": 14, "linestyle": ""}, "chosen"),
    ):
        costs = [p.cost(currency) for p in few]
        axes.loglog(costs, [max(100 * p.error, 1e-2) for p in few], label=label, **style)
    if trained is not None:
        axes.axhline(max(100 * trained, 1e-2), color="k", ls="--", label="trained network")
    axes.set(xlabel=UNITS[currency], ylabel="error, %")
    axes.legend()
    figure.savefig(path, dpi=120)


def draw_sweep(found: Sequence[Swept], trained: float, labelled: bool, path: Path) -> None:
    """Draw error against the bits of a weight to `path`. Raises MissingError without matplotlib."""
    need_matplotlib()
    from matplotlib.figure import Figure

    figure = Figure(layout="constrained")
    axes = figure.subplots()
    for method in dict.fromkeys(s.rounding for s in found if s.bits is not None):
        each = [s for s in found if s.rounding == method and not s.refused]
        errors = np.array([max(100 * (1 - s.accuracy), 1e-2) for s in each])
        ends = 100 * (1 - np.array([s.interval for s in each]).reshape(-1, 2))
        spread = np.abs(ends[:, ::-1].T - errors)
        axes.errorbar(
            [s.bits or 0 for s in each], errors, spread, marker="o", capsize=3, label=method
        )
    for error, style, label in (
        (1 - found[0].accuracy, ":", "float SNN"),
        (1 - trained, "--", "ANN"),
    ):
        axes.axhline(max(100 * error, 1e-2), color="k", ls=style, label=label)
    axes.set(yscale="log", xlabel="bits of a weight")
    axes.set_ylabel("error, %" if labelled else "other class than the ANN, %")
    axes.set_xticks(sorted({s.bits for s in found if s.bits is not None}))
    axes.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


def _error_operations(axes: Any, found: Evaluation) -> None:
    error = 100 * (1 - found.curve.accuracy)
    ann = 100 * (1 - found.ann_right / found.samples)
    axes.loglog(found.curve.operations / 1e6, np.maximum(error, 1e-2), ".-", label="SNN, each step")
    axes.plot(found.ann_operations / 1e6, max(ann, 1e-2), "k*", markersize=12, label="ANN")
    axes.set(xlabel="million operations a sample", ylabel=_error_name(found))
    axes.legend()


def _error_steps(axes: Any, found: Evaluation) -> None:
    steps = np.arange(1, len(found.curve.right) + 1)
    axes.semilogy(steps, np.maximum(100 * (1 - found.curve.accuracy), 1e-2), label="SNN")
    axes.axhline(max(100 * (1 - found.ann_right / found.samples), 1e-2), color="k", ls="--")
    axes.set(xlabel="steps", ylabel=_error_name(found))


def _error_name(found: Evaluation) -> str:
    return "error, %" if found.labelled else "other class than the ANN, %"


def _correlation(axes: Any, layer: Layer) -> None:
    axes.plot(layer.pairs[:, 0], layer.pairs[:, 1], ".", markersize=2, alpha=0.5)
    most = max(1.0, float(layer.pairs.max(initial=1)))
    axes.plot([0, most], [0, most], "k", linewidth=0.5)
    axes.set(xlabel="activation / range", ylabel="rate")
    axes.set_title(f"{layer.name}: Pearson {layer.pearson:.3f}", fontsize=9)


def _histograms(axes: Any, layer: Layer) -> None:
    edges = np.linspace(0, 1.5, len(layer.rates) + 1)
    for counts, label in ((layer.activations, "activation / range"), (layer.rates, "rate")):
        axes.stairs(np.maximum(counts, 0.5), edges, label=label)
    axes.set(yscale="log", xlabel="units of the greatest rate")
    axes.set_title(f"{layer.name}: {layer.saturated:.2%} clipped", fontsize=9)
    axes.legend(fontsize=7)
