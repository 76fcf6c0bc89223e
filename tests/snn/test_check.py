"""What must be true of a network: each breach is told once, in its own words."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from neurocomp.arrays import Array
from neurocomp.errors import GraphError
from neurocomp.snn.check import check
from neurocomp.snn.network import Current, Input, Network, Population, Projection
from neurocomp.snn.neurons import Accumulator, IntegrateAndFire, MaxGate
from neurocomp.snn.oracle import simulate
from neurocomp.snn.synapses import Dense, Window
from tests.snn.strategies import inputs_for, networks

STEPS = 10


def numbers(*values: float) -> Array:
    return np.array(values).reshape(-1, 1, 1)


def dense(outs: int, ins: int, weight: Any = 2) -> Dense:
    return Dense(
        weight=np.full((outs, ins), weight), pre_shape=(ins, 1, 1), post_shape=(outs, 1, 1)
    )


def network() -> Network:
    """Make x -> a (3) -> gate (3) -> out (2), in integers."""
    silent = numbers(0, 0, 0)
    return Network(
        inputs=(Input(name="x", shape=(2, 1, 1), low=-1, high=1, grid=2.0**-8),),
        currents=(Current(source="x", target="a", synapse=dense(3, 2, 0.5), scale=numbers(8)),),
        populations=(
            Population(
                name="a",
                shape=(3, 1, 1),
                neuron=IntegrateAndFire(v_threshold=numbers(4, 5, 6)),
                v_init=numbers(2, 2, 3),
                bias=numbers(1, 0, -1),
            ),
            Population(name="gate", shape=(3, 1, 1), neuron=MaxGate(), v_init=silent, bias=silent),
            Population(
                name="out",
                shape=(2, 1, 1),
                neuron=Accumulator(),
                v_init=numbers(0, 0),
                bias=numbers(0, 0),
            ),
        ),
        projections=(
            Projection(
                source="a", target="gate", synapse=Window(pre_shape=(3, 1, 1), kernel=(1, 1))
            ),
            Projection(source="gate", target="out", synapse=dense(2, 3)),
        ),
        readout="out",
    )


def with_population(which: str, /, **changes: Any) -> Network:
    whole = network()
    changed = (replace(p, **changes) if p.name == which else p for p in whole.populations)
    return replace(whole, populations=tuple(changed))


def with_projection(which: str, /, **changes: Any) -> Network:
    whole = network()
    changed = (replace(p, **changes) if p.target == which else p for p in whole.projections)
    return replace(whole, projections=tuple(changed))


def with_current(**changes: Any) -> Network:
    whole = network()
    return replace(whole, currents=(replace(whole.currents[0], **changes),))


def with_input(**changes: Any) -> Network:
    whole = network()
    return replace(whole, inputs=(replace(whole.inputs[0], **changes),))


def fires(*thresholds: float) -> IntegrateAndFire:
    return IntegrateAndFire(v_threshold=numbers(*thresholds))


def test_a_good_network_is_given_back() -> None:
    good = network()
    assert check(good, STEPS) is good


WRONG: dict[str, tuple[Callable[[], Network], str]] = {
    "one name twice": (lambda: with_population("gate", name="a"), "a: names two populations"),
    "a name of the input": (lambda: with_population("a", name="x"), "x: names two populations"),
    "no readout": (
        lambda: replace(network(), readout="b"),
        "b: is the readout and not an accumulator of the network",
    ),
    "a readout that fires": (
        lambda: replace(network(), readout="a"),
        "a: is the readout and not an accumulator of the network",
    ),
    "an input as readout": (
        lambda: replace(network(), readout="x"),
        "x: is the readout and not an accumulator of the network",
    ),
    "another shape of v_init": (
        lambda: with_population("a", v_init=numbers(0, 0)),
        "a: has shape (3, 1, 1), its v_init has (2, 1, 1)",
    ),
    "another shape of bias": (
        lambda: with_population("out", bias=numbers(0)),
        "out: has shape (2, 1, 1), its bias has (1, 1, 1)",
    ),
    "another shape of v_threshold": (
        lambda: with_population("a", neuron=fires(1)),
        "a: has shape (3, 1, 1), its v_threshold has (1, 1, 1)",
    ),
    "numbers that are none": (
        lambda: with_population("a", neuron=fires(1, np.nan, 1)),
        "a: has a v_threshold that is not finite",
    ),
    "integers and floats": (
        lambda: with_population("a", v_init=numbers(0.5, 0.5, 0.5)),
        "a: has v_init of float64, the network is mixed",
    ),
    "floats and integers": (
        lambda: with_population("a", bias=numbers(0.5, 0.5, 0.5)),
        "a: has v_init of int64, the network is mixed",
    ),
    "weights between integers": (
        lambda: with_projection("out", synapse=dense(2, 3, 0.5)),
        "gate -> out: has weights of float64 x 2^0, the network is of integers",
    ),
    "halved integers": (
        lambda: with_projection("out", weight_exponent=-1),
        "gate -> out: has weights of int64 x 2^-1, the network is of integers",
    ),
    "a threshold of nothing": (
        lambda: with_population("a", neuron=fires(4, 0, 4)),
        "a: has a threshold of 0",
    ),
    "a start before the first step": (
        lambda: with_population("a", start_step=0),
        "a: starts at step 0, the first is 1",
    ),
    "a gate with a bias": (
        lambda: with_population("gate", bias=numbers(0, 1, 0)),
        "gate: is a gate and needs one window and no bias",
    ),
    "a gate with weights": (
        lambda: with_projection("gate", synapse=dense(3, 3)),
        "gate: is a gate and needs one window and no bias",
    ),
    "a gate of two windows": (
        lambda: replace(network(), projections=(network().projections[0], *network().projections)),
        "gate: is a gate and needs one window and no bias",
    ),
    "a gate with a current": (
        lambda: with_current(target="gate"),
        "gate: is a gate and needs one window and no bias",
    ),
    "a window without a gate": (
        lambda: with_population("gate", neuron=fires(1, 1, 1)),
        "gate: gets a pooling window and is not a gate",
    ),
    "an unknown source": (
        lambda: with_projection("out", source="b"),
        "b -> out: joins a population that is not in the network",
    ),
    "an unknown target": (
        lambda: with_projection("out", target="b"),
        "gate -> b: joins a population that is not in the network",
    ),
    "spikes of the input": (
        lambda: with_projection("out", source="x"),
        "x -> out: joins a population that is not in the network",
    ),
    "a synapse of another shape": (
        lambda: with_projection("out", synapse=dense(2, 4)),
        "gate -> out: joins shapes (3, 1, 1) and (2, 1, 1), its synapse (4, 1, 1) and (2, 1, 1)",
    ),
    "no delay": (
        lambda: with_projection("out", delay_steps=0),
        "gate -> out: has a delay of 0 steps, the least is 1",
    ),
    "infinite weights": (
        lambda: with_projection("out", synapse=dense(2, 3, np.inf)),
        "gate -> out: has weights that are not finite",
    ),
    "a current into nothing": (
        lambda: with_current(target="b"),
        "x -> b: joins an input or population that is not in the network",
    ),
    "a current from nothing": (
        lambda: with_current(source="y"),
        "y -> a: joins an input or population that is not in the network",
    ),
    "a current of another shape": (
        lambda: with_current(synapse=dense(2, 2, 0.5)),
        "x -> a: joins shapes (2, 1, 1) and (3, 1, 1), its synapse (2, 1, 1) and (2, 1, 1)",
    ),
    "an input beside its grid": (
        lambda: with_input(high=0.3),
        "x: has a range [-1, 0.3] that does not lie on its grid of 0.00390625",
    ),
    "an axis twice": (
        lambda: with_input(order=(0, 0, 2)),
        "x: has its axes in the order (0, 0, 2), not each of 0..2 once",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_named(case: str) -> None:
    make, words = WRONG[case]
    with pytest.raises(GraphError, match=f"^{re.escape(words)}"):
        check(make(), STEPS)


def counting(largest: float, least: float = 1, v_init: float = 0) -> Network:
    """Make a readout whose bias is `largest` and `least`."""
    out = Population(
        name="out",
        shape=(2, 1, 1),
        neuron=Accumulator(),
        v_init=numbers(v_init, 0.0),
        bias=numbers(largest, least) * 1.0,
    )
    source = Input(name="x", shape=(1, 1, 1), low=0, high=1, grid=2.0**-8)
    return Network(inputs=(source,), currents=(), populations=(out,), projections=(), readout="out")


def test_sums_just_inside_53_bits_pass_and_are_exact() -> None:
    inside = counting(2.0**50, 1)
    *_, last = simulate(check(inside, 7), {"x": np.zeros((1, 1))}, 7)
    assert last.v["out"].ravel().tolist() == [7 * 2**50, 7]
    check(counting(2.0**50, 2.0), 7)


@pytest.mark.parametrize(
    ("made", "steps"),
    [
        (counting(2.0**50, 1), 8),
        (counting(-(2.0**50), 1), 8),
        (counting(2.0**50, 0.5), 4),
        (counting(1, 2.0**-52), 2),
        (counting(1, 1, v_init=2.0**53), 1),
    ],
)
def test_sums_just_outside_53_bits_are_refused(made: Network, steps: int) -> None:
    with pytest.raises(
        GraphError,
        match=rf"out: sums need 54 bits over {steps} steps, float64 is exact to 53 "
        r"\(snap its numbers to the grid, or run fewer steps\)",
    ):
        check(made, steps)


@pytest.mark.parametrize(("exponent", "good"), [(48, True), (49, False)])
def test_the_weights_and_their_exponent_count(exponent: int, good: bool) -> None:
    made = with_projection("out", weight_exponent=exponent)  # 3 sources x 2 x 2^exponent, 4 steps
    made = replace(
        made, projections=(*made.projections, replace(made.projections[1], weight_exponent=0))
    )
    if good:
        check(made, 4)
    else:
        with pytest.raises(GraphError, match=r"out: sums need 54 bits over 4 steps"):
            check(made, 4)


@pytest.mark.parametrize(("scale", "good"), [(2.0**49, True), (2.0**50, False)])
def test_the_current_counts(scale: float, good: bool) -> None:
    made = with_current(scale=numbers(scale), quantum=1.0)  # two inputs of at most 1, times 0.5
    if good:
        check(made, 7)
    else:
        with pytest.raises(GraphError, match=r"a: sums need 54 bits over 8 steps"):
            check(made, 8)


@pytest.mark.parametrize(("least", "good"), [(2.0**-45, True), (2.0**-46, False)])
def test_the_sums_over_samples_count(least: float, good: bool) -> None:
    synapse = replace(dense(3, 2, 0.5), weight=np.array([[0.5, least]] * 3))
    made = with_current(synapse=synapse)  # (1/2 + a little) / 2^-8 / least
    if good:
        check(made, STEPS)
    else:
        with pytest.raises(GraphError, match=r"x -> a: sums over samples need 54 bits"):
            check(made, STEPS)


@settings(max_examples=40, deadline=None)
@given(networks())
def test_a_network_that_passes_runs_in_whole_multiples(made: Network) -> None:
    kept = check(made, 6)
    unit = 1 if kept.integer else 2.0**-10
    for step in simulate(kept, inputs_for(kept, 1), 6):
        for v in step.v.values():
            assert np.array_equal(np.rint(v / unit), v / unit)
