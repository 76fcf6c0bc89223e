"""The CIFAR-10 network: the class it was trained to give, float and with weights of 8 bits.

There is no CIFAR-10 in a package, 20 labelled photos of it are. So nothing is calibrated or chosen
on them: calibration and choice use other pictures of 32 x 32, on which the trained network itself
says what is right. The choice is the setting, among those of each precision, that agrees most
often on pictures that were not calibrated on; then it, and all others, are shown on the photos.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from fetch import Images, cifar10_net, cifar10_photos, other_photos, photos
from section import Line, Row, Rows, Section, commits, table

import neurocomp as nc
from neurocomp import engine
from neurocomp.compiler import Options, in_numbers, prepare
from neurocomp.readouts import Membrane
from neurocomp.snn.network import Network

SIDE = 32
PATCHES = 12  # of each photo, at three sizes
STEPS = 64
SHOWN = (16, 32, 48, 64)
FLOAT: dict[str, dict[str, object]] = {
    "gated max pool": {},
    "max pool as ReLUs": {"max_pool": "relus"},
    "pooled drive": {"max_pool": "drive"},
    "pooled drive, least error": {"max_pool": "drive", "ranges": "error"},
    "pooled drive, least error, bias corrected": {
        "max_pool": "drive",
        "ranges": "error",
        "correct": "bias",
    },
    "pooled drive, least error, start corrected": {
        "max_pool": "drive",
        "ranges": "error",
        "correct": "potential",
    },
}
FORMATS = {
    "float": FLOAT,
    **{
        f"8 bits of {chip}, {rounding}": dict(list(FLOAT.items())[2:])
        for chip in ("loihi1", "loihi2")
        for rounding in ("nearest", "least-squares")
    },
}
READOUTS = ("all steps", "second half")


@cache
def pictures() -> Images:
    """Give pictures that are none of the photos tested: CIFAR-100's, and patches of photos."""
    from PIL import Image

    random = np.random.Generator(np.random.PCG64(2017))
    found = [np.asarray(p) for p in photos("cifar100")[0]]
    for photo in other_photos().values():
        height, width = photo.shape[:2]
        for size in np.repeat([SIDE * 2, SIDE * 4, SIDE * 8], PATCHES // 3):
            side = min(int(size), height, width)
            top, left = random.integers(height - side + 1), random.integers(width - side + 1)
            patch = Image.fromarray(photo[top : top + side, left : left + side])
            found.append(np.asarray(patch.resize((SIDE, SIDE))))
    return np.stack(found).transpose(0, 3, 1, 2).astype(np.float32)


def parts(limit: int | None) -> tuple[Images, dict[str, Images]]:
    """Give what to calibrate on, and the pictures to choose and to test on."""
    every = pictures()
    return every[::2], {"held-out": every[1::2][:limit], "photos": cifar10_photos()[0][:limit]}


def measured(kind: str, name: str, limit: int | None) -> Row:
    """Convert with one setting, quantize where asked for, and count the trained network's class."""
    graph, (calibration, tested) = nc.load(cifar10_net()), parts(limit)
    options = Options(steps=STEPS, **FORMATS[kind][name])
    made = prepare(graph, calibration, options)
    network, row = made.network, {}
    if kind != "float":
        chip, rounding = kind.removeprefix("8 bits of ").split(", ")
        numbers = replace(options, rounding=rounding)
        quantized = in_numbers(network, nc.load_target(chip), calibration, numbers)
        network = quantized.network
        told = {p.name: p.drive_db for p in quantized.precision if p.drive_db is not None}
        row["worst_layer"], row["worst_db"] = min(told.items(), key=lambda item: item[1])
    for part, x in tested.items():
        wanted = np.argmax(graph.run(x)[graph.output], axis=1)
        row[part] = {"samples": len(x), "agree": agreement(network, x, wanted)}
    return row


def agreement(network: Network, x: Images, wanted: np.ndarray) -> dict[str, list[int]]:
    """Count, after each step, the pictures whose class is `wanted`, for each readout."""
    length = network.run_length(STEPS)
    run = engine.simulate(network, {network.inputs[0].name: x}, length)
    v = run.readout[:, -STEPS:].reshape(len(x), STEPS, -1).astype(np.float64)
    found = {READOUTS[0]: (Membrane()(v) == wanted[:, None]).sum(axis=0).tolist()}
    half = [Membrane(first=t // 2 + 1)(v[:, :t])[:, -1] == wanted for t in range(1, STEPS + 1)]
    found[READOUTS[1]] = [int(each.sum()) for each in half]
    return found


def rows(limit: int | None) -> dict[str, Callable[[], Row]]:
    """Give what measures each setting in each format."""
    return {
        f"{kind}: {name}": lambda kind=kind, name=name: measured(kind, name, limit)
        for kind, settings in FORMATS.items()
        for name in settings
    }


def choose(rows: Rows, kind: str) -> tuple[str, str] | None:
    """Give row and readout that agree most often on the held-out pictures after all steps."""
    found = [
        (-row["held-out"]["agree"][readout][-1], place, name, readout)
        for place, (name, row) in enumerate(rows.items())
        if name.startswith(f"{kind}: ")
        for readout in READOUTS
    ]
    return min(found)[2:] if found else None


def page(rows: Rows) -> list[str]:
    """Write a line for each format, setting and readout, those that are chosen marked."""
    first = next(iter(rows.values()))
    chosen = {choose(rows, kind) for kind in FORMATS}
    lines = [
        "## The CIFAR-10 network",
        "",
        f"Commit {commits(rows)}. Of {first['held-out']['samples']} held-out pictures (CIFAR-100's",
        f"photos and patches of other photos) and {first['photos']['samples']} photos of CIFAR-10,",
        "those to which the spiking network gives the trained network's class after T steps, which",
        "is the right one for every photo. Calibrated on as many other pictures. *Second half*:",
        "the readout leaves out the first T / 2 steps. Marked: the setting of each format that",
        f"agrees most often on the held-out pictures at T = {SHOWN[-1]}. The largest two outputs",
        "of one photo are 0.2 % apart. *Worst*: the least signal to quantization noise of a layer.",
        "",
    ]
    head: list[Any] = ["", "readout", *(f"held-out {t}" for t in SHOWN[1::2])]
    head += [*(f"photos {t}" for t in SHOWN), "worst"]
    cells = []
    for name, row in rows.items():
        for readout in READOUTS:
            mark = "**" if (name, readout) in chosen else ""
            counts = [row["held-out"]["agree"][readout][t - 1] for t in SHOWN[1::2]]
            counts += [row["photos"]["agree"][readout][t - 1] for t in SHOWN]
            worst = f"{row['worst_db']:.1f} dB" if "worst_db" in row else ""
            cells.append([f"{mark}{name}{mark}", readout, *counts, worst])
    return [*lines, *table(head, cells), ""]


def lines(rows: Rows) -> list[Line]:
    """Give the chosen setting of float and of 8 bits beside the paper's CIFAR-10 network."""
    found = []
    for kind in FORMATS:
        choice = choose(rows, kind)
        if choice is None:
            continue
        name, readout = choice
        part = rows[name]["photos"]
        found.append(
            Line(
                where="Fig. 2",
                what=f"CIFAR-10, {kind}: the ANN's class; aim: all photos at T <= {STEPS}",
                paper="12.18 (12.14) %",
                ours=f"{part['agree'][readout][-1]} of {part['samples']}, T = {STEPS}",
                on="a network of 969k parameters, photos of CIFAR-10, calibrated and chosen on "
                "other pictures",
            )
        )
    return found


SECTION = Section(name="cifar", rows=rows, page=page, lines=lines)
