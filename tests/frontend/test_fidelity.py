"""Graph, its export, and the graph read back from the export agree."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings

from neurocomp.ann.graph import Graph
from neurocomp.errors import GraphError
from neurocomp.frontend.onnx import check, load, run_model, to_model
from tests.ann.corpus import CORPUS
from tests.ann.net import samples
from tests.ann.strategies import graphs
from tests.frontend.models import save


def close(a: np.ndarray, b: np.ndarray) -> None:
    np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5 * max(1, np.abs(b).max()))


@pytest.mark.parametrize("name", CORPUS)
def test_graph_export_and_file_agree(name: str, tmp_path: Path) -> None:
    graph = CORPUS[name]()
    made = to_model(graph)
    onnx.checker.check_model(made, full_check=True)
    path = save(made, tmp_path)
    again = load(path)
    x = samples(graph, 5)
    result = graph.run(x)[graph.output]
    close(run_model(path, x)[graph.output], result)
    close(run_model(to_model(again), x)[again.output], result)
    close(again.run(x)[again.output], result)
    assert {c.status for c in check(path)} <= {"supported", "rewritten"}


@settings(max_examples=40, deadline=None)
@given(graph=graphs())
def test_random_graphs_survive_the_way_out_and_in(
    graph: Graph, tmp_path_factory: pytest.TempPathFactory
) -> None:
    x = samples(graph, 3)
    result = graph.run(x)[graph.output]
    made = to_model(graph)
    close(run_model(made, x)[graph.output], result)
    again = load(save(made, tmp_path_factory.mktemp("graph")))
    close(again.run(x)[again.output], result)


def test_every_value_can_be_an_output() -> None:
    graph = CORPUS["inception"]()
    x = samples(graph, 3)
    names = [n.name for n in graph.nodes]
    results = run_model(to_model(graph, names), x)
    assert set(results) == set(names)
    for name, value in graph.run(x).items():
        if name != graph.input:
            close(results[name], value)


def test_an_output_that_is_not_there_is_refused() -> None:
    with pytest.raises(GraphError, match="nowhere: is no node's value"):
        to_model(CORPUS["one_layer"](), ["nowhere"])


def test_the_export_keeps_the_names_and_frees_the_batch() -> None:
    graph = CORPUS["lenet"]()
    made = to_model(graph)
    (x,), (y,) = made.graph.input, made.graph.output
    assert (x.name, y.name) == (graph.input, graph.output)
    assert x.type.tensor_type.shape.dim[0].dim_param == "batch"
    assert [n.name for n in made.graph.node] == [n.name for n in graph.nodes]
