"""Models that come with the package onnx, written by old torch and caffe2, load or say why not."""

import re
from pathlib import Path

import numpy as np
import onnx
import onnx.backend.test
import pytest

from neurocomp.errors import ModelError
from neurocomp.frontend.onnx import check, load, run_model, to_model

FOLDER = Path(onnx.backend.test.__file__).parent / "data"
CONVERTED = sorted(p.parent.name for p in FOLDER.glob("pytorch-converted/*/model.onnx"))

REFUSED = {
    r"test_(AvgPool|Conv|MaxPool)3d.*": "slides over 3 axes, 1 or 2 can be placed",
    r"test_BatchNorm3d.*": "has 4 axes, at most 3 can be placed",
    r"test_PixelShuffle": "has 5 axes, at most 3 can be placed",
    r"test_ConstantPad2d": "value 2, zeros can be placed",
    r"test_Re(flection|plication)Pad2d": "pads with mode '(reflect|edge)'",
    r"test_Embedding.*": "is of type INT64, a network takes FLOAT",
    r"test_(ELU|LeakyReLU|PReLU|SELU|Sigmoid|Tanh|Softplus|Softsign|GLU).*": "is not supported",
    r"test_ConvTranspose2d.*": "ConvTranspose is not supported",
    r"test_PoissonNLLLLoss.*": "Exp is not supported",
}


@pytest.mark.parametrize("name", CONVERTED)
def test_a_converted_model_agrees_or_is_refused_with_the_reason(name: str) -> None:
    folder = FOLDER / "pytorch-converted" / name
    path = folder / "model.onnx"
    why = next((w for p, w in REFUSED.items() if re.fullmatch(p, name)), None)
    if why is not None:
        with pytest.raises(ModelError, match=why):
            load(path)
        return
    graph = load(path)
    files = (folder / "test_data_set_0" / f for f in ("input_0.pb", "output_0.pb"))
    x, y = (onnx.numpy_helper.to_array(onnx.load_tensor(str(f))) for f in files)
    for result in (graph.run(x)[graph.output], run_model(to_model(graph), x)[graph.output]):
        np.testing.assert_allclose(result, y, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "unsupported"),
    [("squeezenet", {}), ("inception_v1", {"n3": "LRN", "n8": "LRN"})],
)
def test_a_real_topology_loads_or_lists_all_that_is_unsupported(
    name: str, unsupported: dict[str, str]
) -> None:
    path = FOLDER / "light" / f"light_{name}.onnx"
    refused = {c.name: c.kind for c in check(path) if c.status == "unsupported"}
    assert refused == unsupported
    if unsupported:
        with pytest.raises(ModelError, match="2 of 143 nodes are not supported"):
            load(path)
    else:
        graph = load(path)
        assert (len(graph.nodes), graph.shapes[graph.output]) == (65, (1000, 1, 1))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["densenet121", "inception_v2", "resnet50", "shufflenet", "vgg19"])
def test_a_large_topology_loads(name: str) -> None:
    assert load(FOLDER / "light" / f"light_{name}.onnx").shapes


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bvlc_alexnet", "zfnet512"])
def test_a_large_topology_is_refused_node_by_node(name: str) -> None:
    path = FOLDER / "light" / f"light_{name}.onnx"
    refused = [c for c in check(path) if c.status == "unsupported"]
    with pytest.raises(ModelError, match=f"{len(refused)} of .* nodes are not supported"):
        load(path)
