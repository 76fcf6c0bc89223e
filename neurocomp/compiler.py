"""The chain from a graph to a program."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial, reduce
from types import MappingProxyType
from typing import Literal

import numpy as np

from neurocomp.adjust import adjust
from neurocomp.ann.graph import Graph
from neurocomp.arrays import Array
from neurocomp.calibrate import Ranges, calibrate
from neurocomp.clamp import clamp
from neurocomp.convert import convert
from neurocomp.engine.rates import FEW, measured
from neurocomp.errors import CapacityError, ModelError
from neurocomp.hw.narrow import bounded, narrow
from neurocomp.hw.target import Target
from neurocomp.mapping.advice import advised, excesses
from neurocomp.mapping.arrange import MOVES, Effort
from neurocomp.mapping.chain import Mapped, mapped
from neurocomp.mapping.lay import Wishes
from neurocomp.mapping.support import refuse_unsupported
from neurocomp.observe import Observe
from neurocomp.passes import (
    REWRITES,
    HalfThreshold,
    MaxPoolAsRelus,
    MaxPoolGate,
    MaxPoolOnDrive,
    Normalise,
    Pass,
    PoissonInput,
    RelayLinear,
    ResetToZero,
    SplitRange,
    SumInParts,
)
from neurocomp.passes.split_range import MOST_PIECES, knees_of, pieces_of
from neurocomp.passes.sum_in_parts import grown, parts_of, wide
from neurocomp.program import Program
from neurocomp.quantize import Quantized, quantize
from neurocomp.quiet import spread
from neurocomp.ranges import LeastError, Percentile, Rule
from neurocomp.samples import check_samples
from neurocomp.snn.check import check
from neurocomp.snn.estimates import Estimate, Exponential, Fir
from neurocomp.snn.network import Network
from neurocomp.snn.rates import Rates, assumed

MODEL = "model.onnx"
MOST_HEADROOM = 1024.0  # more leaves no spikes in any number of steps worth running
NOISY_DB = 20.0  # a layer of so little signal to noise is worth fitting
NEAREST_BITS = 8  # weights of so many are rounded to the nearest, of fewer so that outputs are kept
WHOLE: Mapping[str, int] = MappingProxyType({})  # no sum is made in parts
Linear = Literal["auto", "compose", "pairs", "graded"]
WORTH = 4.0  # times more synapses that "auto" composes before it gives a value neurons of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to compile. Each default is written into the artifact's manifest."""

    steps: int = 64  # that the readout accumulates over
    ranges: Literal["percentile", "error", "none"] = "percentile"  # what rate 1 stands for
    percentile: float = 99.9  # of the activations; 100 is the maximum
    headroom: float = 1.0  # that ranges are times what was measured
    per: Literal["channel", "layer"] = "channel"
    pieces: int = 1  # neurons that share the range of an activation; small layers get more
    half_threshold: bool = True  # start membranes at threshold / 2
    reset: Literal["subtract", "zero"] = "subtract"
    max_pool: Literal["average", "exponential", "fir", "drive", "relus"] = "average"
    correct: Literal["none", "bias", "potential"] = "none"  # of layers, on the samples
    spikes: Literal["analog", "poisson"] = "analog"  # the input
    seed: int = 0  # of what is random
    linear: Linear = "auto"  # values between neurons: composed, or neurons of their own
    clamp: int = 0  # steps that each layer waits longer than the one before
    weight_bits: int | None = None  # at most those of the target, which None stands for
    membrane_bits: int | None = None  # that membranes may leave in a run; None: none leaves its own
    rounding: Literal["auto", "nearest", "least-squares", "adaptive"] = "auto"  # of the weights
    share: bool = False  # let small blocks share a core
    moves: int = MOVES  # of cores, in search of places with fewer hops; 0: swaps only


def rewrite(graph: Graph) -> Graph:
    """Apply the passes that need no samples, until none finds anything to do."""
    done = reduce(lambda g, one: one(g), REWRITES, graph)
    return graph if done is graph else rewrite(done)


def chosen_passes(options: Options) -> tuple[Pass, ...]:
    """Give the passes that the options ask for, in order; ranges come after them."""
    gates: dict[str, Estimate] = {"exponential": Exponential(), "fir": Fir()}
    passes: list[Pass] = []
    if options.max_pool == "drive":
        passes.append(MaxPoolOnDrive())
    elif options.max_pool == "relus":
        passes.append(MaxPoolAsRelus())
    elif options.max_pool in gates:
        passes.append(MaxPoolGate(estimate=gates[options.max_pool]))
    if options.linear != "compose" and (options.linear, options.reset) != ("auto", "zero"):
        worth = WORTH if options.linear == "auto" else 1.0
        passes.append(RelayLinear(graded=options.linear == "graded", worth=worth))
    if options.half_threshold:
        passes.append(HalfThreshold())
    if options.reset == "zero":
        passes.append(ResetToZero())
    if options.spikes == "poisson":
        passes.append(PoissonInput(seed=options.seed))
    return tuple(passes)


def with_passes(graph: Graph, options: Options, units: Mapping[str, Array]) -> Graph:
    """Rewrite `graph` as the options ask for, with the units that it was calibrated to.

    Sums that were made in parts have units for each, and so have ranges that neurons share.
    """
    made = reduce(lambda g, one: one(g), chosen_passes(options), rewrite(graph))
    made = SumInParts(parts=parts_of(units), graded=options.linear == "graded")(made)
    made = SplitRange(knees=knees_of(units))(made)
    return Normalise(ranges=units)(made) if units else made


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Prepared:
    """A graph with its units, and the float network it was converted to."""

    graph: Graph
    network: Network


def prepare(
    graph: Graph,
    samples: Array,
    options: Options,
    *,
    parts: Mapping[str, int] = WHOLE,
    observe: Observe = lambda what, done, total: None,
) -> Prepared:
    """Rewrite, calibrate and convert `graph` on `samples`, (samples, *input shape).

    `parts` says of convolutions and matrices in how many parts their sums are made.

    Raises ModelError where the options or the samples are not usable.
    """
    _refuse_unusable(options)
    samples = check_samples(np.asarray(samples), graph.input_shape, "samples")
    observe("rewrite", 0, 1)
    made = with_passes(graph, options, {})
    made = SumInParts(parts=parts, graded=options.linear == "graded")(made)
    made, ranges = _ranged(made, samples, options, observe)
    observe("convert", 0, 1)
    network = clamp(convert(made, ranges.low, ranges.high), options.clamp)
    if options.correct != "none":
        network = adjust(network, made, samples, options.steps, options.correct, observe)
    return Prepared(graph=made, network=check(network, options.steps))


def _refuse_unusable(options: Options) -> None:
    if options.steps < 1:
        raise ModelError("steps", f"are {options.steps}, at least 1 is needed")
    if not 0 < options.percentile <= 100:
        raise ModelError("percentile", f"is {options.percentile}, it lies in (0, 100]")
    if not 0 < options.headroom <= MOST_HEADROOM:
        at_most = f"it lies in (0, {MOST_HEADROOM}]"
        raise ModelError("headroom", f"is {options.headroom}, {at_most}")
    if not 1 <= options.pieces <= MOST_PIECES:
        raise ModelError("pieces", f"are {options.pieces}, from 1 to {MOST_PIECES} are possible")
    if options.pieces > 1 and options.ranges == "none":
        raise ModelError("pieces", "share a range, and there is none", "use --ranges percentile")


def _ranged(
    graph: Graph, samples: Array, options: Options, observe: Observe
) -> tuple[Graph, Ranges]:
    """Give `graph` with what rate 1 stands for in each activation, or piece of one's range."""
    rule: Rule = Percentile(percentile=options.percentile)
    if options.ranges == "error":
        rule = LeastError(steps=options.steps, v_init=graph.v_init)
    ranges = calibrate(
        graph,
        samples,
        rule=rule,
        per=options.per,
        headroom=options.headroom,
        pieces=pieces_of(graph, options.pieces),
        observe=observe,
    )
    if options.ranges == "none":
        return graph, ranges
    units = ranges.values
    if options.per == "channel":
        units = spread(graph, units, ranges.common)
    made = Normalise(ranges=units)(graph)
    knees = {name: share * made.units[name] for name, share in ranges.knees.items()}
    return SplitRange(knees=knees)(made), ranges


def in_numbers(
    network: Network,
    chip: Target,
    samples: Array,
    options: Options,
    *,
    observe: Observe = lambda what, done, total: None,
) -> Quantized:
    """Quantize `network` for `chip` as the options ask for, on the samples it was prepared with."""
    inputs = {i.name: np.asarray(samples) for i in network.inputs}
    made = partial(quantize, network, chip, options.steps, samples=inputs, observe=observe)
    if options.rounding != "auto":
        return made(rounding=options.rounding)
    if chip.arithmetic is not None and chip.arithmetic.weight_bits < NEAREST_BITS:
        return made(rounding="adaptive")
    nearest = made(rounding="nearest")
    noisy = [p.name for p in nearest.precision if p.drive_db is not None and p.drive_db < NOISY_DB]
    return made(rounding="least-squares", fitted=noisy) if noisy else nearest


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
    chip = bounded(narrow(target, chosen.weight_bits), chosen.membrane_bits)
    prepared, quantized = _in_parts(graph, chip, samples, chosen, observe)
    network, integer = prepared.network, quantized.network
    checked = check_samples(np.asarray(samples), graph.input_shape, "samples")
    few = {i.name: checked[:FEW] for i in network.inputs}
    placement, cost = _mapped(network, integer, chip, few, chosen, observe)
    return Program(
        network=integer,
        reference=network,
        scale=quantized.scale,
        target=chip,
        placement=placement,
        cost=cost,
        steps=chosen.steps,
        precision=quantized.precision,
        units=prepared.graph.units,
    )


def _in_parts(
    graph: Graph, chip: Target, samples: Array, options: Options, observe: Observe
) -> tuple[Prepared, Quantized]:
    """Prepare and quantize `graph`, with sums in parts where one is too wide for a core."""
    able = _parts_allowed(options, chip)
    whole, parts = with_passes(graph, options, {}), WHOLE
    while True:
        prepared = prepare(graph, samples, options, parts=parts, observe=observe)
        refuse_unsupported(prepared.network, chip)
        wanted = _wanted(whole, parts, prepared, prepared.network, chip) if able else parts
        if wanted == parts:
            observe("quantize", 0, 1)
            quantized = in_numbers(prepared.network, chip, samples, options, observe=observe)
            integer = check(quantized.network, options.steps)
            wanted = _wanted(whole, parts, prepared, integer, chip) if able else parts
        if wanted == parts:
            return prepared, quantized
        parts, able = wanted, bool(wanted)


def _parts_allowed(options: Options, target: Target) -> bool:
    """Say whether sums may get relays: not where cores hold whole layers.

    A pair needs reset by subtraction, and `compose` asks for no neurons but the network's own.
    """
    return options.linear != "compose" and options.reset != "zero" and target.layers is None


def _wanted(
    whole: Graph, parts: Mapping[str, int], prepared: Prepared, network: Network, chip: Target
) -> Mapping[str, int]:
    """Give the parts with which `network` fits the cores, `parts` where it does.

    None are given where no number of them is enough: what is refused is then the user's network.
    """
    factors = _too_much(network, chip)
    found = grown(whole, parts, wide(prepared.graph, factors))
    return WHOLE if factors and found == parts else found


def _too_much(network: Network, target: Target) -> Mapping[str, float]:
    """Give the populations of which one neuron exceeds a core's limit, and how many times."""
    factors: dict[str, float] = {}
    for each in excesses(network, target):
        factors[each.population] = max(each.factor, factors.get(each.population, 1.0))
    return factors


def _mapped(
    network: Network,
    integer: Network,
    target: Target,
    samples: Mapping[str, Array],
    options: Options,
    observe: Observe,
) -> Mapped:
    """Place `integer` by the rates of the float `network`, from which it was quantized.

    Raises CapacityError, which says what would fit.
    """
    effort = Effort(moves=options.moves, seed=options.seed)
    rates: Rates = assumed(network, 1.0)
    if target.mesh is not None:
        observe("rates", 0, 1)
        rates = measured(network, samples, options.steps)
    observe("map", 0, 1)
    try:
        wishes = Wishes(groups=False, share=options.share, effort=effort)
        return mapped(integer, target, rates, wishes)
    except CapacityError as error:
        told = advised(error, integer, target)
        told_all = _parts_allowed(options, target) or target.layers is not None
        if told_all or not _too_much(integer, target):
            raise told from error
        relays = "allow relays, --linear auto and --reset subtract: wide sums get parts"
        raise CapacityError(told.where, told.wrong, f"{told.remedy}; or {relays}") from error
