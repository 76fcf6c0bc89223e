"""Membranes of few bits, against a closed form and a neuron by hand."""

from dataclasses import replace

import numpy as np
import pytest

from neurocomp.errors import GraphError
from neurocomp.snn.check import check
from neurocomp.snn.membrane import Membrane, Overflow, held
from neurocomp.snn.neurons import Accumulator, IntegrateAndFire, Integrating, MaxIntegrateAndFire
from neurocomp.snn.oracle import simulate
from tests.backends.corpus import CORPUS, STEPS, dense, narrow, samples

WAYS: tuple[Overflow, ...] = ("saturate", "wrap")


def test_a_number_past_the_end_stays_there_or_goes_on_from_the_other() -> None:
    v = np.array([-9, -8, -7, 0, 7, 8, 9, 23, -25])
    ends = Membrane(bits=4, overflow="saturate").hold(v)
    assert ends.tolist() == [-7, -7, -7, 0, 7, 7, 7, 7, -7]
    around = Membrane(bits=4, overflow="wrap").hold(v)
    assert around.tolist() == [7, -8, -7, 0, 7, -8, -7, 7, 7]
    assert held(v, None) is v


@pytest.mark.parametrize("bits", [2, 8, 24, 53])
def test_wrapping_is_what_a_register_of_so_many_bits_does(bits: int) -> None:
    v = np.random.default_rng(bits).integers(-(2**60), 2**60, 1000)
    kept = Membrane(bits=bits, overflow="wrap").hold(v)
    register = (v << (64 - bits)) >> (64 - bits)  # the sign is spread by the shift
    assert np.array_equal(kept, register)


def test_a_saturated_membrane_forgets_and_one_that_wraps_fires_for_inhibition() -> None:
    drive = [-5, -5, -5, 6, 6]
    found = {}
    for way in WAYS:
        neuron = IntegrateAndFire(
            v_threshold=np.full((1, 1, 1), 5), membrane=Membrane(bits=4, overflow=way)
        )
        v, each = np.zeros((1, 1, 1, 1), dtype=np.int64), []
        for d in drive:
            v, fired = neuron.step(v, np.full((1, 1, 1, 1), d))
            each.append((int(v.item()), bool(fired.item())))
        found[way] = each
    assert found["saturate"] == [(-5, False), (-7, False), (-7, False), (-1, False), (0, True)]
    assert found["wrap"] == [(-5, False), (1, True), (-4, False), (2, False), (-8, False)]


def test_a_readout_and_pooled_compartments_stay_in_their_bits() -> None:
    membrane = Membrane(bits=4, overflow="saturate")
    v = np.array([[[[6, -6]]]])
    kept, _ = Accumulator(membrane=membrane).step(v, np.array([[[[4, -4]]]]))
    assert kept.ravel().tolist() == [7, -7]
    pool = MaxIntegrateAndFire(v_threshold=np.full((1, 1, 1, 2), 5), membrane=membrane)
    after, fired = pool.step(v[:, None], np.array([[[[[4, -4]]]]]))
    assert fired.all() and after.ravel().tolist() == [2, -7]


@pytest.mark.parametrize("name", ["saturate", "wrap", "pooled_saturate", "pooled_wrap"])
def test_the_corpus_leaves_its_bits(name: str) -> None:
    network, past = CORPUS[name](), 0
    for step in simulate(network, {"x": samples(network)}, STEPS):
        for p in network.populations:
            assert isinstance(p.neuron, Integrating) and p.neuron.membrane is not None
            past += int((p.neuron.membrane.hold(step.peak[p.name]) != step.peak[p.name]).sum())
            assert np.array_equal(p.neuron.membrane.hold(step.v[p.name]), step.v[p.name])
    assert past > 10


def test_what_a_membrane_cannot_hold_is_refused() -> None:
    with pytest.raises(GraphError, match=r"v_(init|threshold) of \d+, its membrane holds 31"):
        narrow(dense(), 6, "wrap")
    real = dense(integer=False)
    membrane = Membrane(bits=24, overflow="wrap")
    odd = replace(real.populations[-1], neuron=Accumulator(membrane=membrane))
    with pytest.raises(GraphError, match="24 bits and no integers"):
        check(replace(real, populations=(*real.populations[:-1], odd)), STEPS)
