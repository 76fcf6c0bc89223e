"""Rates against activations, layer by layer."""

from dataclasses import dataclass, field

import numpy as np

from neurocomp.arrays import Array

BINS = 48  # of a histogram, about
WIDEST = 1.5  # of the range, where histograms end
SHOWN = 2000  # pairs that are kept of each layer, for a figure


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Layer:
    """One layer: how well its rates stand for the trained network's activations."""

    name: str
    neurons: int
    pearson: float  # correlation of rates and activations, nan where either is constant
    rms: float  # root mean square difference, in units of the greatest rate
    saturated: float  # share of activations above what rate 1 stands for
    dead: float  # share of neurons that never fired, though their activation was positive
    accuracy: float | None  # with this and all earlier layers spiking, the rest as trained
    loss: float | None  # accuracy that this layer costs: that of the one before minus its own
    pairs: Array  # (pairs, 2) some activations with their rates
    edges: Array  # (bins + 1,) of the histograms of activations and rates, in units of the range
    activations: Array  # (bins,) divided by the range
    rates: Array  # (bins,)
    range: Array  # (channels,) what a rate of 1 stands for
    plain_edges: Array  # (BINS + 1,) of activations as they are
    plain: Array  # (BINS,) activations as they are, before they were divided by the range


def edges(steps: int) -> Array:
    """Give edges of bins up to WIDEST, (bins + 1,); a bin holds as many rates as any other."""
    width = -(-steps // round(BINS / WIDEST))  # in such n
    count = -(-round(steps * WIDEST) // width) + 1
    places: Array = (np.arange(count + 1) * width - 0.5) / steps
    return places


@dataclass(slots=True)
class Tally:
    """Sums over the samples seen so far of one layer, of so many steps."""

    unit: Array  # (channels,) what a rate of 1 stands for
    edges: Array  # (bins + 1,)
    count: int = 0
    sums: Array = field(default_factory=lambda: np.zeros(5))  # a, r, a², r², a r
    above: int = 0
    most: Array | None = None  # (neurons, 2) greatest activation and rate of each
    pairs: list[Array] = field(default_factory=list)
    histograms: Array = field(init=False)
    plain: Array = field(init=False)

    def __post_init__(self) -> None:
        """Start counting."""
        self.histograms = np.zeros((2, len(self.edges) - 1), dtype=np.int64)
        self.plain = np.zeros(BINS, dtype=np.int64)

    def add(self, values: Array, rates: Array) -> None:
        """Add a chunk: activations as they are, (samples, *shape), and rates, as many numbers."""
        count, channels = len(values), len(self.unit)
        given = values.reshape(count, channels, -1)
        a = (given / self.unit[:, None]).reshape(count, -1).astype(np.float64)
        r = rates.reshape(count, -1)
        self.plain += np.histogram(given, self._plain_edges())[0]
        self.count += a.size
        self.sums += [a.sum(), r.sum(), (a * a).sum(), (r * r).sum(), (a * r).sum()]
        self.above += int((a > 1 + 1e-6).sum())
        both = np.stack([a.max(axis=0), r.max(axis=0)], axis=1)
        self.most = both if self.most is None else np.maximum(self.most, both)
        for n, values in enumerate((a, r)):
            self.histograms[n] += np.histogram(values, self.edges)[0]
        if sum(len(p) for p in self.pairs) < SHOWN:
            every = max(1, a.size // SHOWN)
            self.pairs.append(np.stack([a.ravel()[::every], r.ravel()[::every]], axis=1))

    def _plain_edges(self) -> Array:
        most = float(self.unit.max(initial=0)) or 1.0
        return np.linspace(0, WIDEST * most, BINS + 1)

    def layer(self, name: str, accuracy: float | None, loss: float | None) -> Layer:
        """Give what the sums amount to."""
        n, (a, r, aa, rr, ar) = self.count, self.sums
        spread = np.sqrt(max(0.0, aa / n - (a / n) ** 2) * max(0.0, rr / n - (r / n) ** 2))
        most = self.most if self.most is not None else np.zeros((1, 2))
        return Layer(
            name=name,
            neurons=len(most),
            pearson=float((ar / n - a * r / n**2) / spread) if spread > 0 else float("nan"),
            rms=float(np.sqrt(max(0.0, (aa - 2 * ar + rr) / n))),
            saturated=self.above / n,
            dead=float(((most[:, 0] > 1e-6) & (most[:, 1] == 0)).mean()),
            accuracy=accuracy,
            loss=loss,
            pairs=np.concatenate(self.pairs)[:SHOWN],
            edges=self.edges,
            activations=self.histograms[0],
            rates=self.histograms[1],
            range=self.unit,
            plain_edges=self._plain_edges(),
            plain=self.plain,
        )
