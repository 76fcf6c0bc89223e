"""How precise each layer is in the chip's numbers, and how near its membrane comes to their end."""

from collections.abc import Mapping
from math import log10

import numpy as np

from neurocomp.arrays import Array
from neurocomp.hw.target import Arithmetic, Target
from neurocomp.precision import Precision
from neurocomp.quantize.activity import Activity, Rates, activity, few
from neurocomp.quantize.layer import error, layer
from neurocomp.quantize.part import Part, reach, units
from neurocomp.quantize.rounding import top
from neurocomp.snn.network import Network
from neurocomp.snn.neurons import MaxGate, Poisson
from neurocomp.snn.pairs import driving

MEASURED = 16  # samples that a layer's drive and membrane are measured on


def measured(
    network: Network,
    integer: Network,
    parts: Mapping[str, Part],
    target: Target,
    length: int,
    samples: Mapping[str, Array] | None,
) -> tuple[Precision, ...]:
    """Compare `integer`, made of `parts`, with the float `network`, on some of `samples`.

    A layer's drive is that of the float network's own spikes, so that it shows this layer alone.
    """
    if target.arithmetic is None:
        return ()
    wanted = found = Activity({}, {}, {})
    if samples is not None:
        chosen = few(network, samples, MEASURED)
        wanted = activity(network, chosen, length)
        found = activity(integer, chosen, length, peak=True)
    return tuple(
        _population(network, part, target.arithmetic, length, wanted.rates, found)
        for part in parts.values()
        if not isinstance(part.population.neuron, MaxGate | Poisson)
    )


def _population(
    network: Network,
    part: Part,
    widths: Arithmetic,
    length: int,
    wanted: Rates,
    found: Activity,
) -> Precision:
    name = part.population.name
    own = [p.synapse.weight for p in driving(network, name)]
    made = [
        p.synapse.weight * units(p.synapse, part.scale, p.weight_exponent) for p in part.projections
    ]
    noise = sum(float(((a - b) ** 2).sum()) for a, b in zip(own, made, strict=True))
    return Precision(
        name=name,
        weight_bits=widths.weight_bits,
        exponents=tuple(p.weight_exponent for p in part.projections),
        weights_db=_db(sum(float((w**2).sum()) for w in own), noise) if own else None,
        drive_db=_drive_db(network, part, made, wanted) if own and wanted else None,
        clipped=_clipped(part, own, widths.weight_bits) if own else None,
        proved_bits=int(reach(network, part, length, each=False).max()).bit_length() + 1,
        peak=found.peaks.get(name),
        state_bits=widths.state_bits,
        overflowed=found.overflowed.get(name),
    )


def _drive_db(network: Network, part: Part, made: list[Array], wanted: Rates) -> float | None:
    found = layer(network, network.population(part.population.name), wanted, wanted)
    if found is None:
        return None
    return _db(float((found.wanted**2).mean()), float((error(found, made) ** 2).mean()))


def _db(signal: float, noise: float) -> float | None:
    return 10 * log10(signal / noise) if signal > 0 and noise > 0 else None


def _clipped(part: Part, own: list[Array], bits: int) -> float:
    most = top(bits) + 0.5
    beyond = sum(
        int((np.abs(w / units(p.synapse, part.scale, p.weight_exponent)) > most).sum())
        for w, p in zip(own, part.projections, strict=True)
    )
    return beyond / max(1, sum(w.size for w in own))
