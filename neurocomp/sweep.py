"""Accuracy against the bits of a weight, for each way of rounding."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from neurocomp import engine
from neurocomp.arrays import Array
from neurocomp.compiler import Options, in_numbers
from neurocomp.errors import CapacityError
from neurocomp.evaluation import interval
from neurocomp.hw.narrow import narrow
from neurocomp.hw.target import Target
from neurocomp.observe import Observe
from neurocomp.quantize import Rounding
from neurocomp.readouts import classes
from neurocomp.snn.network import Network


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """One number of bits, rounded one way; `refused` says why the target cannot hold it."""

    bits: int | None  # None: the float network
    rounding: str  # "float" for that
    right: int
    samples: int
    worst: str = ""  # the layer whose drive has the least signal to noise
    drive_db: float | None = None  # of that layer
    refused: str = ""

    @property
    def accuracy(self) -> float:
        """Give the share of samples that are right."""
        return self.right / self.samples

    @property
    def interval(self) -> tuple[float, float]:
        """Give its 95 % confidence interval."""
        return interval(self.right, self.samples)


def sweep(
    network: Network,
    target: Target,
    calibration: Array,
    samples: Array,
    wanted: Array,
    options: Options,
    bits: Sequence[int],
    methods: Sequence[Rounding],
    observe: Observe = lambda what, done, total: None,
) -> Iterator[Swept]:
    """Give the float `network`, then each of `bits` rounded in each way; `wanted` are the classes.

    Raises CapacityError, before anything is run, where the target has fewer bits.
    """
    chips = [narrow(target, b) for b in bits]
    total, done = 1 + len(bits) * len(methods), 0
    observe("sweep", done, total)
    right = hits(network, samples, wanted, options.steps)
    yield Swept(bits=None, rounding="float", right=right, samples=len(samples))
    for b, chip in zip(bits, chips, strict=True):
        for method in methods:
            done += 1
            observe("sweep", done, total)
            chosen = replace(options, weight_bits=b, rounding=method)
            yield _swept(network, chip, calibration, samples, wanted, chosen)
    observe("sweep", total, total)


def _swept(
    network: Network,
    chip: Target,
    calibration: Array,
    samples: Array,
    wanted: Array,
    options: Options,
) -> Swept:
    bits, rounding = options.weight_bits, options.rounding
    try:
        made = in_numbers(network, chip, calibration, options)
    except CapacityError as error:
        return Swept(
            bits=bits, rounding=rounding, right=0, samples=len(samples), refused=str(error)
        )
    told = {p.name: p.drive_db for p in made.precision if p.drive_db is not None}
    worst = min(told, key=lambda name: told[name], default="")
    return Swept(
        bits=bits,
        rounding=rounding,
        right=hits(made.network, samples, wanted, options.steps),
        samples=len(samples),
        worst=worst,
        drive_db=told.get(worst),
    )


def hits(network: Network, samples: Array, wanted: Array, steps: int) -> int:
    """Count the samples whose class, by the readout after `steps` steps, is the wanted one."""
    keep = engine.Keep(counts=False, operations=False)
    inputs = {network.inputs[0].name: samples}
    done = right = 0
    for part in engine.stream(network, inputs, network.run_length(steps), keep=keep):
        found = classes(part.readout[:, -1])
        right += int((found == wanted[done : done + len(found)]).sum())
        done += len(found)
    return right
