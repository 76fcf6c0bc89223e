"""The figure: cost against each quantity, beside a line of what is linear, or quadratic."""

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from benchmarks.document import PERFORMANCE
from benchmarks.scaling.study import Study

FIGURE = PERFORMANCE.with_name("scaling.svg")
AXES = {
    "steps": "steps",
    "samples": "samples",
    "layers": "layers",
    "channels": "channels of every layer",
    "rate": "spikes of a neuron in a step",
    "threads": "threads",
}
POWERS = {"channels": (2, "synapses")}  # what the cost is drawn beside; else 1, "linear"
PLAIN = {"svg.fonttype": "none", "svg.hashsalt": "scaling"}


def draw(found: Sequence[Study]) -> None:
    """Write the figure beside the page."""
    figure = Figure(figsize=(10, 5.6), layout="constrained")
    for axes, study in zip(figure.subplots(2, 3).flat, found, strict=True):
        cost(axes, study)
        axes.set_xlabel(AXES[study.name])
        axes.set_ylabel("CPU time, ms")
    with matplotlib.rc_context(PLAIN):
        figure.savefig(FIGURE, metadata={"Date": None})


def cost(axes: Axes, study: Study) -> None:
    """Draw the CPU time, and beside it what grows with a whole power of the quantity."""
    x, y = np.array(study.values), np.array([p.cpu_s * 1e3 for p in study.points])
    power, name = POWERS.get(study.name, (1, "linear"))
    anchor = int(np.argmin(abs(x - 0.1))) if study.name == "rate" else -1
    if study.name == "threads":
        axes.plot(x, y, "o-")
        axes.set_xticks(x)
        axes.set_ylim(0, 1.2 * y.max())
        return
    axes.loglog(x, y[anchor] * (x / x[anchor]) ** power, ":", color="gray", label=name)
    axes.loglog(x, y, "o-", label="measured")
    if study.name == "rate":
        full = [study.points[anchor].cpu_s * 1e3 / study.points[anchor].operations] * len(x)
        every = [p.synapses * f for p, f in zip(study.points, full, strict=True)]
        axes.loglog(x, every, "--", color="gray", label="every synapse at this price")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(base=10, subs=(1, 2, 5)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())
    axes.minorticks_off()
    axes.legend(frameon=False, fontsize="small")
