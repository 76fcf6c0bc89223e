"""A chip whose weights use fewer bits than it has."""

from dataclasses import replace

from neurocomp.errors import CapacityError
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
