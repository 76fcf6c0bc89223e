"""Pairs of on and off neurons: a signed value on plain integrate-and-fire neurons.

Both halves integrate the same drive, the off half with the opposite sign, and each spike of one
half gives the threshold back to the other, where it arrives in the next step:

    v_on(t)  = v_on(t-1)  + drive(t) + v_threshold s_off(t-1),  then - v_threshold s_on(t)
    v_off(t) = v_off(t-1) - drive(t) + v_threshold s_on(t-1),   then - v_threshold s_off(t)

So before the threshold is looked at, v_on - v_init = v_init - v_off = e(t), which is all drive so
far less v_threshold times the on spikes that were sent before, plus that times the off spikes. The
spikes sent up to any step therefore stand for the sum of the drive to within what e can be: with
v_init = v_threshold / 2 that is half a spike, however the drive went up and down, as long as no
step's drive exceeds the threshold. Two halves that know nothing of each other would keep every
spike that a drive back and forth had caused.
"""

from neurocomp.snn.network import Network, Projection


def other_half(network: Network, name: str) -> Projection | None:
    """Give the projection by which the other half of a pair resets `name`; None without one."""
    found = [p for p in network.into(name) if p.resets]
    return found[0] if found else None


def driving(network: Network, name: str) -> tuple[Projection, ...]:
    """Give the projections into the population called `name` but for those of its other half."""
    return tuple(p for p in network.into(name) if not p.resets)
