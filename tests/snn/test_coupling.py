"""Coupling of channels: the greatest weight of all single synapses between two of them."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from neurocomp.snn.boxes import whole
from neurocomp.snn.coupling import coupling
from neurocomp.snn.synapses import Conv, Dense, Pooled, Sparse, Window
from tests.snn.strategies import convs, denses, shapes, sparses


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_it_is_the_greatest_of_the_single_synapses(data: Any) -> None:
    pre, post = data.draw(shapes), data.draw(shapes)
    made: Conv | Dense | Sparse = data.draw(
        st.one_of(convs(pre), denses(pre, post), sparses(pre, post))
    )
    post = made.post_shape
    window = Window(pre_shape=post, kernel=(1, 1))
    for synapse in (made, Pooled(inner=made, window=window)):
        edges = synapse.edges(whole(synapse.post_shape))
        wanted = np.zeros((post[0], pre[0]))
        ends = edges.post // (post[1] * post[2]), edges.pre // (pre[1] * pre[2])
        np.maximum.at(wanted, ends, np.abs(edges.weight))
        found = coupling(synapse)
        # a tap of a kernel that lies in the padding everywhere is a weight, and no synapse
        assert found.shape == wanted.shape
        assert (found >= wanted).all()
        assert np.isin(found, [0, *np.abs(np.ravel(made.weight))]).all()
        if isinstance(made, Dense | Sparse) or not any(made.pads):
            assert np.array_equal(found, wanted)
