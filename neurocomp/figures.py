"""Figures of an evaluation, of a search and of a sweep, with matplotlib, which is optional."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from neurocomp.arrays import Array
from neurocomp.errors import MissingError
from neurocomp.evaluation import Evaluation, Layer, Raster, interval
from neurocomp.sweep import Swept
from neurocomp.tuning import UNITS, Currency, Point

COLUMNS = 3
DPI = 120
MOST_PIXELS = 30_000  # of a figure's height: many layers are drawn smaller


def draw(found: Evaluation, raster: Sequence[Raster], folder: Path) -> tuple[Path, ...]:
    """Write all figures into `folder` and give their paths. Raises MissingError without matplotlib.

    Error against operations and against steps; of each layer rates against activations, histograms
    of both, before and after they are divided by the range, and the spikes of one sample.
    """
    need_matplotlib()
    from matplotlib.figure import Figure

    folder.mkdir(parents=True, exist_ok=True)
    made = {name: Figure(layout="constrained") for name in ("error_operations", "error_steps")}
    _error_operations(made["error_operations"].subplots(), found)
    _error_steps(made["error_steps"].subplots(), found)
    if found.layers:
        made["correlation"] = Figure(layout="constrained")
        for axes, layer in zip(
            _grid(made["correlation"], len(found.layers), 3.4, 1), found.layers, strict=True
        ):
            _correlation(axes[0], layer)
        made["histograms"] = Figure(layout="constrained")
        for axes, layer in zip(
            _grid(made["histograms"], len(found.layers), 2.6, 2), found.layers, strict=True
        ):
            _plain_histogram(axes[0], layer)
            _histograms(axes[1], layer)
    if raster:
        made["raster"] = Figure(figsize=(8, 1.1 * len(raster) + 0.6), layout="constrained")
        _raster(made["raster"], raster)
    paths = []
    for name, figure in made.items():
        path = folder / f"{name}.png"
        figure.savefig(path, dpi=min(DPI, MOST_PIXELS / figure.get_figheight()))
        paths.append(path)
    return tuple(paths)


def _grid(figure: Any, count: int, height: float, each: int) -> list[list[Any]]:
    """Give `count` times `each` axes side by side, of that height in inches."""
    columns = min(count, COLUMNS if each == 1 else 1)
    rows = -(-count // columns)
    figure.set_size_inches(4 * columns * each, height * rows)
    axes = figure.subplots(rows, columns * each, squeeze=False)
    places = axes.reshape(rows * columns, each)
    for unused in places[count:].ravel():
        unused.set_axis_off()
    return [list(place) for place in places[:count]]


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
    _plain_numbers(axes.xaxis)
    _plain_numbers(axes.yaxis)
    axes.legend()


def _error_steps(axes: Any, found: Evaluation) -> None:
    steps = np.arange(1, len(found.curve.right) + 1)
    ends = np.array([interval(int(r), found.samples) for r in found.curve.right])
    low, high = np.maximum(100 * (1 - ends[:, ::-1].T), 1e-2)
    error = np.maximum(100 * (1 - found.curve.accuracy), 1e-2)
    (line,) = axes.semilogy(steps, error, ".-" if len(steps) <= 64 else "-", label="SNN")
    axes.fill_between(steps, low, high, color=line.get_color(), alpha=0.15, label="95 %")
    ann = max(100 * (1 - found.ann_right / found.samples), 1e-2)
    axes.axhline(ann, color="k", ls="--", label="ANN")
    axes.set(xlabel="steps", ylabel=_error_name(found))
    axes.xaxis.get_major_locator().set_params(integer=True)
    _plain_numbers(axes.yaxis)
    axes.legend()


def _plain_numbers(axis: Any) -> None:
    """Label a logarithmic axis with 0.1, 0.2, 0.5, 1, 2..., not with powers."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.set_minor_formatter(NullFormatter())


def _error_name(found: Evaluation) -> str:
    return "error, %" if found.labelled else "other class than the ANN, %"


def _correlation(axes: Any, layer: Layer) -> None:
    axes.plot(layer.pairs[:, 0], layer.pairs[:, 1], ".", markersize=2, alpha=0.5)
    most = max(1.0, float(layer.pairs.max(initial=1)))
    axes.plot([0, most], [0, most], "k", linewidth=0.5)
    axes.set(xlabel="activation / range", ylabel="rate", aspect="equal")
    axes.set_title(f"{layer.name}: Pearson {layer.pearson:.3f}", fontsize=9)


def _plain_histogram(axes: Any, layer: Layer) -> None:
    """Draw activations before they are divided by the range, and where ranges lie."""
    _stairs(axes, layer.plain, layer.plain_edges, "activation", "C0")
    least, most = float(layer.range.min()), float(layer.range.max())
    if least < most:
        axes.axvspan(least, most, color="k", alpha=0.1, label="ranges of the channels")
    else:
        axes.axvline(most, color="k", ls="--", label="range")
    axes.set(yscale="log", xlabel="activation", ylabel="count")
    axes.set_title(f"{layer.name}, before normalisation", fontsize=9)
    axes.legend(fontsize=7)


def _histograms(axes: Any, layer: Layer) -> None:
    """Draw activations divided by the range, and rates."""
    _stairs(axes, layer.activations, layer.edges, "activation / range", "C0")
    _stairs(axes, layer.rates, layer.edges, "rate", "C1")
    axes.axvline(1, color="k", ls="--")
    axes.set(yscale="log", xlabel="units of the greatest rate")
    axes.set_title(f"{layer.name}, after: {layer.saturated:.2%} above 1", fontsize=9)
    axes.legend(fontsize=7)


def _stairs(axes: Any, counts: Array, edges: Array, label: str, color: str) -> None:
    """Draw a histogram whose empty bins are gaps, as they have no logarithm."""
    axes.stairs(np.where(counts > 0, counts, np.nan), edges, label=label, color=color)


def _raster(figure: Any, raster: Sequence[Raster]) -> None:
    """Draw one row of spikes a layer, over the steps of the run."""
    rows = figure.subplots(len(raster), 1, sharex=True, squeeze=False)[:, 0]
    for axes, layer in zip(rows, raster, strict=True):
        step, neuron = np.nonzero(layer.fired)
        shown = layer.fired.shape[1]
        axes.plot(step + 1, neuron, "|", color="k", markersize=max(1.5, 40 / shown), mew=1.2)
        axes.set(ylim=(-1, shown), yticks=[])
        which = f"{shown} of {layer.neurons:,}" if shown < layer.neurons else f"{shown}"
        axes.set_title(
            f"{layer.name}: {which} neurons, {layer.rate:.3f} spikes a step",
            fontsize=8,
            loc="left",
        )
    rows[-1].set(xlabel="step of the run", xlim=(0.5, len(raster[0].fired) + 0.5))
    rows[-1].xaxis.get_major_locator().set_params(integer=True)
    figure.suptitle("spikes of the first sample", fontsize=10)
