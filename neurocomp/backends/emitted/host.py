"""What the host does around a simulated chip: samples in, constant currents, spikes out.

This file is the same in every artifact. It needs numpy alone, Python 3.10 or newer.
"""

import argparse
import os
import sys
import tokenize
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Population:
    """A population of the network, in the network's order."""

    name: str
    shape: tuple[int, int, int]  # channels, rows, columns
    gate: bool  # its state is not one membrane a neuron: max pooling, input spikes
    bias: Array  # (neurons,) int64 or float64; of pooled drive, (neurons * taps,)
    graded: bool  # its spikes are whole numbers
    seed: int  # of input spikes drawn at random; -1: there is none
    recorded: Array | None  # spikes that it repeats, (samples, steps, bytes) of 8 neurons each


@dataclass(frozen=True)
class Current:
    """Analog input as a constant current: quantum * rint(factor * W x), once a sample."""

    target: int  # index of the population
    pre: Array  # (edges,) flat index into the sample
    post: Array  # (edges,) flat index into the population
    weight: Array  # (edges,)
    factor: Array  # (neurons,)
    quantum: float

    def drive(self, sample: Array) -> Array:
        """Give the drive, (neurons,), of one flat sample."""
        total = np.bincount(self.post, self.weight * sample[self.pre], len(self.factor))
        return np.rint(total * self.factor) * self.quantum


@dataclass(frozen=True)
class Host:
    """What host.npz holds."""

    input_shape: tuple[int, int, int]  # channels, rows, columns
    low: float  # samples are clipped to low..high
    high: float
    grid: float  # and rounded to multiples of this
    length: int  # steps of one sample
    readout: int  # index of the population whose membrane is the result
    populations: tuple[Population, ...]
    currents: tuple[Current, ...]

    def prepare(self, samples: Array) -> Array:
        """Give `samples` clipped and on the grid, (samples, input size) float64."""
        flat = samples.reshape(len(samples), -1).astype(np.float64)
        return np.rint(np.clip(flat, self.low, self.high) / self.grid) * self.grid

    def given(self, drive: list[Array]) -> dict[int, Array]:
        """Give the spikes that are sent from here: population -> bool (samples, steps, neurons).

        They were recorded, or are drawn at random.
        """
        steps, given = range(1, self.length + 1), {}
        for n, p in enumerate(self.populations):
            if p.seed >= 0:
                given[n] = np.stack([draws(p.seed, drive[n], t) < drive[n] for t in steps], axis=1)
            elif p.recorded is not None:
                if p.recorded.shape[:2] != (len(drive[n]), self.length):
                    stop(f"{len(drive[n])} samples: {p.name} was recorded on {len(p.recorded)}")
                bits = np.unpackbits(p.recorded, axis=-1, count=drive[n].shape[1])
                given[n] = bits.astype(bool)
        return given

    def drive(self, samples: Array) -> list[Array]:
        """Give what each population gets at every step, (samples, neurons): bias and currents."""
        drive = [np.tile(p.bias, (len(samples), 1)) for p in self.populations]
        for n, sample in enumerate(self.prepare(samples)):
            for current in self.currents:
                total = drive[current.target]
                total[n] += current.drive(sample).astype(total.dtype)
        return drive


def draws(seed: int, drive: Array, step: int) -> Array:
    """Give a number in 0..2^16 - 1 for each neuron of `drive`, (samples, neurons), whole numbers.

    Each is a hash of the seed, the sample, the step and the neuron: the same in every simulator.
    """
    flat = drive.astype(np.int64).view(np.uint64)
    place = np.arange(flat.shape[1], dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    key = _mix(_mix(flat + place).sum(axis=1, dtype=np.uint64) ^ np.uint64(seed))
    bits = _mix(key[:, None] ^ _mix(place + (np.uint64(step) << np.uint64(32))))
    drawn: Array = (bits >> np.uint64(48)).astype(np.int64)
    return drawn


def _mix(bits: Array) -> Array:
    """Mix 64 bits (splitmix64); sums and products wrap around."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: Array = bits ^ (bits >> np.uint64(31))
    return mixed


def read_npz(path: Path) -> dict[str, Array]:
    """Read every array of `path`, an .npz file of the artifact."""
    with np.load(path, allow_pickle=False) as kept:
        return dict(kept)


def load(folder: Path) -> Host:
    """Read host.npz from `folder`."""
    kept = read_npz(folder / "host.npz")
    low, high, grid = kept["input.range"].tolist()
    named = ("names", "shapes", "gates", "graded", "seeds")
    populations = zip(*(kept[key] for key in named), strict=True)
    currents = zip(kept["targets"], kept["quanta"], strict=True)
    return Host(
        input_shape=_shape(kept["input.shape"]),
        low=low,
        high=high,
        grid=grid,
        length=kept["length"].item(),
        readout=kept["readout"].item(),
        populations=tuple(
            Population(
                name=str(name),
                shape=_shape(shape),
                gate=bool(gate),
                graded=bool(graded),
                bias=kept[f"p{n}.bias"],
                seed=int(seed),
                recorded=kept.get(f"p{n}.recorded"),
            )
            for n, (name, shape, gate, graded, seed) in enumerate(populations)
        ),
        currents=tuple(
            Current(
                target=int(target),
                pre=kept[f"c{n}.pre"],
                post=kept[f"c{n}.post"],
                weight=kept[f"c{n}.weight"],
                factor=kept[f"c{n}.factor"],
                quantum=float(quantum),
            )
            for n, (target, quantum) in enumerate(currents)
        ),
    )


def _shape(axes: Array) -> tuple[int, int, int]:
    channels, rows, columns = (int(n) for n in axes)
    return channels, rows, columns


def parser(title: str) -> argparse.ArgumentParser:
    """Give the parser that every run.py starts from."""
    options = argparse.ArgumentParser(prog="run.py", description=title)
    options.add_argument("inputs", type=Path, help="samples: inputs.npz with the key 'inputs'")
    options.add_argument("spikes", type=Path, help="where to write the spikes: spikes.npz")
    options.add_argument("--membranes", action="store_true", help="also write every membrane")
    return options


def read_samples(path: Path, host: Host) -> Array:
    """Give the samples in `path`, (samples, ...). Stops the run where they are wrong."""
    try:
        with path.open("rb") as file:  # numpy leaves it open where it is cut short
            kept = np.load(file, allow_pickle=False)
            if not isinstance(kept, np.lib.npyio.NpzFile):
                stop(f"{path}: is one array, not an npz file with the key 'inputs'")
            if "inputs" not in kept:
                stop(f"{path}: has no array 'inputs' (it has {', '.join(kept) or 'none'})")
            samples: Array = kept["inputs"]
    except OSError as error:
        stop(f"{path}: cannot be read: {error.strerror or error}")
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error, tokenize.TokenError) as error:
        stop(f"{path}: cannot be read as an npz file: {str(error).splitlines()[0]}")
    wrong = check(samples, host.input_shape)
    if wrong:
        stop(f"{path}: {wrong}")
    return samples


def check(samples: Array, shape: tuple[int, int, int]) -> str:
    """Say what is wrong with `samples` for an input of `shape`; "" where nothing is.

    Axes of one element do not count: (samples, 784) fits an input of (784, 1, 1).
    """
    if samples.dtype.kind not in "biuf":
        return f"the samples are {samples.dtype}, not numbers"
    axes = ", ".join(str(n) for n in shape)
    if samples.ndim == 0 or [n for n in samples.shape[1:] if n != 1] != [
        n for n in shape if n != 1
    ]:
        return f"the samples are {samples.shape}, the network takes (samples, {axes})"
    if len(samples) == 0:
        return "holds 0 samples, a run needs 1"
    bad = int(np.count_nonzero(~np.isfinite(samples)))
    return f"{bad} of {samples.size} values are not finite" if bad else ""


def progress(done: int, total: int) -> None:
    """Tell how many samples are done."""
    sys.stderr.write(f"sample {done} of {total}\n")
    sys.stderr.flush()


def stop(message: str) -> NoReturn:
    """End the run with one line on stderr and code 2: the run cannot be made."""
    sys.stderr.write(f"{message}\n")
    sys.exit(2)


def write_results(
    path: Path,
    host: Host,
    spikes: Sequence[Array],
    readout: Array,
    membranes: Sequence[Array | None] | None,
    others: dict[str, Array] | None = None,
) -> None:
    """Write spikes.npz; every array is (samples, steps, neurons), in the order of the populations.

    `spikes` of the readout are not written, nor is a membrane that is None, as a gate's is.
    `others` are arrays of the simulator's own, by the key they get.
    """
    number = host.populations[host.readout].bias.dtype
    entries = dict(others or {})
    for n, population in enumerate(host.populations):
        if n != host.readout:
            kind = np.dtype(np.int64 if population.graded else bool)
            entries[f"spikes/{population.name}"] = _folded(spikes[n], population, kind)
        membrane = membranes[n] if membranes is not None else None
        if membrane is not None:
            entries[f"v/{population.name}"] = _folded(membrane, population, number)
    entries["readout"] = _folded(readout, host.populations[host.readout], number)
    write_npz(path, entries)


def _folded(values: Array, population: Population, dtype: np.dtype[Any]) -> Array:
    return values.reshape(*values.shape[:2], *population.shape).astype(dtype, copy=False)


def write_npz(path: Path, entries: dict[str, Array]) -> None:
    """Write `entries` beside `path`, then rename: `path` is whole or not there."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
            for key, values in entries.items():
                with packed.open(f"{key}.npy", "w", force_zip64=True) as file:
                    np.save(file, np.ascontiguousarray(values), allow_pickle=False)
        unfinished.replace(path)
    except OSError as error:
        stop(f"{path}: cannot be written: {error.strerror}")
    finally:
        unfinished.unlink(missing_ok=True)
