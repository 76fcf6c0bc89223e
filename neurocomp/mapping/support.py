"""What a target cannot hold at all, however the network is cut: everything at once."""

from collections.abc import Iterator

from neurocomp.arrays import Array
from neurocomp.errors import CapacityError, NeurocompError, UnsupportedError
from neurocomp.hw.target import Target
from neurocomp.mapping.connections import connection_problems
from neurocomp.mapping.demand import model
from neurocomp.mapping.layers import layer_problems
from neurocomp.snn.network import Network
from neurocomp.snn.neurons import Given

REMEDIES = {  # model -> what helps where a target has another one
    "max_gate": {"subtract": "compile with --max-pool relus, or use average pooling"},
    "max_subtract": {"subtract": "compile with --max-pool relus"},
    "graded": {"subtract": "compile with --linear pairs, or with --linear compose"},
    "always": {"subtract": "use ReLU"},
    "subtract": {
        "zero": "compile with --reset zero",
        "always": "train neurons without memory, Heaviside or sign in place of ReLU",
    },
    "zero": {"subtract": "compile with --reset subtract"},
    "accumulator": {},
}


def refuse_unsupported(network: Network, target: Target) -> None:
    """Refuse what the target cannot express: neurons, biases, first potentials, connections.

    Raises UnsupportedError with all reasons, or CapacityError for a delay that is too long.
    """
    problems = [*_models(network, target), *_parameters(network, target), *_kinds(target)]
    problems += connection_problems(network, target)
    problems += layer_problems(network, target)
    problems = problems or list(_delays(network, target))
    if len(problems) == 1:
        raise problems[0]
    if problems:
        reasons = "".join(f"\n  {problem}" for problem in problems)
        wrong = f"cannot be put on {target.name}, for {len(problems)} reasons:{reasons}"
        raise UnsupportedError("the network", wrong)


def _models(network: Network, target: Target) -> Iterator[NeurocompError]:
    lacking: dict[str, list[str]] = {}
    for p in network.populations:
        if model(p.neuron) not in (*target.compartments, "poisson"):
            lacking.setdefault(model(p.neuron), []).append(p.name)
    for kind, names in lacking.items():
        has = ", ".join(target.compartments)
        wrong = f"{target.name} has no {kind} neuron, only {has}"
        helps = (text for has, text in REMEDIES[kind].items() if has in target.compartments)
        yield UnsupportedError(", ".join(names), wrong, next(helps, "use the target ideal"))


def _parameters(network: Network, target: Target) -> Iterator[NeurocompError]:
    """Name the populations with biases or first potentials that the target does not have."""
    own = [p for p in network.populations if not isinstance(p.neuron, Given)]
    given = [p.name for p in own if any(c.target == p.name for c in network.currents)]
    if target.bias_per == "none" and given:
        wrong = f"get the sample as a constant current, {target.name} adds none in a step"
        yield UnsupportedError(", ".join(given), wrong, "compile with --spikes poisson")
    biases = {p.name: p.bias for p in own}
    firsts = {p.name: p.v_init for p in own}
    for per, what, values, remedy in (
        (target.bias_per, "biases", biases, "train without biases, or use another target"),
        (target.v_init_per, "first potentials", firsts, "compile with --no-half-threshold"),
    ):
        names = [name for name, each in values.items() if not _allowed(per, each)]
        if names:
            has = "none" if per == "none" else "one a population"
            wrong = f"have {what}, {target.name} has {has}"
            yield UnsupportedError(", ".join(names), wrong, remedy)


def _allowed(per: str | None, values: Array) -> bool:
    if per == "none":
        return not values.any()
    return per != "population" or bool((values == values.flat[0]).all())


def _kinds(target: Target) -> Iterator[NeurocompError]:
    """Refuse a chip with several kinds of core of which no rule says what runs on which."""
    if len(target.kinds) > 1 and target.layers is None:
        names = ", ".join(core.name for core in target.kinds)
        wrong = f"has cores of several kinds ({names}), and how it uses them was not published"
        yield UnsupportedError(target.name, wrong, "map with its maker's own tools")


def _delays(network: Network, target: Target) -> Iterator[NeurocompError]:
    most = target.max_delay_steps
    for j in network.projections:
        if most is not None and j.delay_steps > most:
            yield CapacityError(
                f"{j.source} -> {j.target}",
                f"delays by {j.delay_steps} steps, {target.name} by at most {most}",
                "make the branches that meet there closer in depth",
            )
