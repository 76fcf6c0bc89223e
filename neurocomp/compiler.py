"""The chain from a graph to a program."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Literal

import numpy as np

from neurocomp.ann.graph import Graph
from neurocomp.arrays import Array
from neurocomp.calibrate import calibrate
from neurocomp.convert import convert
from neurocomp.errors import ModelError
from neurocomp.hw.target import Target
from neurocomp.mapping.chain import map_network
from neurocomp.passes import REWRITES, HalfThreshold, Normalise
from neurocomp.program import Program
from neurocomp.quantize import quantize
from neurocomp.samples import check_samples
from neurocomp.snn.check import check
from neurocomp.snn.network import Network

MODEL = "model.onnx"
Observe = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to compile. Each default is written into the artifact's manifest."""

    steps: int = 64  # that the readout accumulates over
    percentile: float = 99.9  # of the activations, that rate 1 stands for; 100 is the maximum
    per: Literal["channel", "layer"] = "channel"
    half_threshold: bool = True  # start membranes at threshold / 2


def rewrite(graph: Graph) -> Graph:
    """Apply the passes that need no samples, until none finds anything to do."""
    done = reduce(lambda g, one: one(g), REWRITES, graph)
    return graph if done is graph else rewrite(done)


def to_network(
    graph: Graph,
    samples: Array,
    chosen: Options,
    *,
    observe: Observe = lambda what, done, total: None,
) -> Network:
    """Give the spiking network of `graph`, before a chip's numbers; `samples` calibrate it."""
    if chosen.steps < 1:
        raise ModelError("steps", f"are {chosen.steps}, at least 1 is needed")
    if not 0 < chosen.percentile <= 100:
        raise ModelError("percentile", f"is {chosen.percentile}, it lies in (0, 100]")
    checked = check_samples(np.asarray(samples), graph.input_shape, "samples")
    rewritten = rewrite(graph)
    ranges = calibrate(
        rewritten, checked, percentile=chosen.percentile, per=chosen.per, observe=observe
    )
    normalised = Normalise(ranges=ranges.values)(rewritten)
    started = HalfThreshold()(normalised) if chosen.half_threshold else normalised
    observe("convert", 0, 1)
    return check(convert(started, ranges.low, ranges.high), chosen.steps)


def compile(
    graph: Graph,
    target: Target,
    samples: Array,
    options: Options | None = None,
    *,
    observe: Observe = lambda what, done, total: None,
) -> Program:
    """Compile `graph` for `target`; `samples`, (samples, *input shape), calibrate it.

    Raises ModelError, UnsupportedError or CapacityError where it cannot be done.
    """
    chosen = options or Options()
    network = to_network(graph, samples, chosen, observe=observe)
    quantized = quantize(network, target, chosen.steps)
    integer = check(quantized.network, chosen.steps)
    observe("map", 0, 1)
    return Program(
        network=integer,
        reference=network,
        scale=quantized.scale,
        target=target,
        placement=map_network(integer, target),
        steps=chosen.steps,
    )
