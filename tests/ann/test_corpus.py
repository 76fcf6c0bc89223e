"""The corpus is small, named and the same every time."""

from math import prod

import numpy as np
import pytest
from hypothesis import given, settings

from neurocomp.ann.graph import Graph
from tests.ann.corpus import CORPUS
from tests.ann.net import samples
from tests.ann.strategies import graphs


def test_the_corpus_has_at_least_thirty_networks() -> None:
    assert len(CORPUS) >= 30


@pytest.mark.parametrize("name", CORPUS)
def test_a_corpus_network_is_small_and_the_same_every_time(name: str) -> None:
    graph, again = CORPUS[name](), CORPUS[name]()
    assert max(prod(s) for s in graph.shapes.values()) <= 200
    x = samples(graph, 2)
    result = graph.run(x)[graph.output]
    assert np.isfinite(result).all()
    np.testing.assert_array_equal(result, again.run(x)[again.output])


@settings(max_examples=50)
@given(graphs())
def test_random_graphs_run(graph: Graph) -> None:
    result = graph.run(samples(graph, 2))[graph.output]
    assert result.shape == (2, *graph.shapes[graph.output])
    assert np.isfinite(result).all()
    assert max(prod(s) for s in graph.shapes.values()) <= 1200
