"""A chip whose weights, or membranes, use fewer bits than it has."""

from dataclasses import replace

from neurocomp.errors import CapacityError, UnsupportedError
from neurocomp.hw.target import Target


def narrow(target: Target, weight_bits: int | None) -> Target:
    """Give `target` with weights of `weight_bits`; None is all that it has.

    The bits that are left out can stand on either side of those that stay, which makes as many more
    exponents; as a rule they stand below. Synapses that are packed by the bit take less memory.
    Raises CapacityError where the chip has fewer bits.
    """
    widths = target.arithmetic
    if weight_bits is None or (widths is not None and weight_bits == widths.weight_bits):
        return target
    if weight_bits < 1:
        raise CapacityError("weight bits", f"are {weight_bits}, at least 1 is needed")
    if widths is None:
        raise CapacityError(
            "weight bits",
            f"are {weight_bits}, the weights of {target.name} are not whole numbers",
            "choose a target with integers: neurocomp list targets",
        )
    spare = widths.weight_bits - weight_bits
    if spare < 0:
        raise CapacityError(
            "weight bits",
            f"are {weight_bits}, {target.name} has {widths.weight_bits}",
            f"ask for at most {widths.weight_bits}",
        )
    low, high = widths.weight_exponents
    fewer = replace(
        widths,
        weight_bits=weight_bits,
        weight_exponent=widths.weight_exponent + spare,
        weight_exponent_min=low,
        weight_exponent_max=high + spare,
    )
    return replace(
        target,
        arithmetic=fewer,
        synapse_bits=target.synapse_bits - (spare if target.packing else 0),
    )


def bounded(target: Target, membrane_bits: int | None) -> Target:
    """Give `target` with membranes of `membrane_bits`, which may leave them in a run.

    What they then do is what the target says. Still no single step takes a membrane at rest out of
    its bits. None: no membrane leaves its bits at all. Raises CapacityError where the chip has
    fewer bits, UnsupportedError where it is not known what its membranes do.
    """
    widths = target.arithmetic
    if membrane_bits is None:
        return target
    if widths is None:
        raise CapacityError(
            "membrane bits",
            f"are {membrane_bits}, the membranes of {target.name} are not whole numbers",
            "choose a target with integers: neurocomp list targets",
        )
    if not 2 <= membrane_bits <= widths.state_bits:
        raise CapacityError(
            "membrane bits",
            f"are {membrane_bits}, {target.name} has {widths.state_bits}",
            f"ask for 2 to {widths.state_bits}",
        )
    if widths.overflow is None:
        raise UnsupportedError(
            "membrane bits",
            f"are {membrane_bits}, what a membrane of {target.name} does past its bits was not "
            "published",
            "leave --membrane-bits out: then none leaves them",
        )
    fewer = replace(widths, state_bits=membrane_bits, proved_for="step")
    return replace(target, arithmetic=fewer)
