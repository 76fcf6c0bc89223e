"""What a target cannot hold at all, however the network is cut."""

from neurocomp.errors import CapacityError, UnsupportedError
from neurocomp.hw.target import Target
from neurocomp.mapping.demand import model
from neurocomp.snn.network import Network

REMEDIES = {
    "max_gate": "compile with --max-pool relus, or use average pooling",
    "max_subtract": "compile with --max-pool relus, or for the target ideal",
    "graded": "compile with --linear pairs, or with --linear compose",
    "always": "use ReLU, or the target ideal",
    "subtract": "reset to zero, or use the target ideal",
    "zero": "reset by subtraction, or use the target ideal",
    "accumulator": "read spike counts, or use the target ideal",
}


def refuse_unsupported(network: Network, target: Target) -> None:
    """Refuse neurons that the target has no model of, and delays that it cannot hold.

    Raises UnsupportedError for the one, CapacityError for the other.
    """
    lacking: dict[str, list[str]] = {}
    for p in network.populations:
        if model(p.neuron) not in (*target.compartments, "poisson"):
            lacking.setdefault(model(p.neuron), []).append(p.name)
    for kind, names in lacking.items():
        has = ", ".join(target.compartments)
        wrong = f"{target.name} has no {kind} neuron, only {has}"
        raise UnsupportedError(", ".join(names), wrong, REMEDIES[kind])
    most = target.max_delay_steps
    for j in network.projections:
        if most is not None and j.delay_steps > most:
            raise CapacityError(
                f"{j.source} -> {j.target}",
                f"delays by {j.delay_steps} steps, {target.name} by at most {most}",
                "make the branches that meet there closer in depth",
            )
