"""The paper's voltage clamp: deep layers wait until the layers before them have settled."""

from dataclasses import replace

from neurocomp.snn.network import Network


def clamp(network: Network, steps_per_depth: int) -> Network:
    """Release every layer `steps_per_depth` steps later than the one before it needs.

    What arrives before is discarded. Source: Rueckauer et al. 2017, and their clamp schedules.
    """
    if not steps_per_depth:
        return network
    return replace(
        network,
        populations=tuple(
            replace(p, start_step=p.start_step + steps_per_depth * (p.start_step - 1))
            for p in network.populations
        ),
    )
