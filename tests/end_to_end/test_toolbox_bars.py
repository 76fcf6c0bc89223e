"""The bars that the authors' toolbox sets itself, for the same kinds of network.

Source: snn_toolbox, tests/, at commit 0255f75: kind of network, steps, 100 images, correlations.
"""

from pathlib import Path

import numpy as np
import pytest

from neurocomp.compiler import Options, prepare
from neurocomp.evaluation import evaluate
from neurocomp.frontend.onnx import load, run_model

EXAMPLES = Path(__file__).parents[2] / "examples"
IMAGES = 100


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "max_pool", "steps", "share_of_ann", "hidden", "output"),
    [
        ("branches", "average", 100, 0.95, 0.99, 0.90),  # branches, concat, batch normalisation
        ("sequence", "average", 200, 0.98, 0.97, 0.90),  # 1-D: stride, one-sided pads, dilation
        ("lenet", "drive", 100, 0.9, 0.99, 0.90),  # max pooling
    ],
)
def test_the_toolboxs_bar_holds(
    model: str, max_pool: str, steps: int, share_of_ann: float, hidden: float, output: float
) -> None:
    digits = np.load(EXAMPLES / "mnist" / "digits.npz")
    x, labels = digits["inputs"][:IMAGES], digits["labels"][:IMAGES]
    path = EXAMPLES / "paper" / f"{model}.onnx"
    calibration = np.load(EXAMPLES / "mnist" / "calibration.npz")["inputs"]
    options = Options(steps=steps, max_pool=max_pool)  # type: ignore[arg-type]
    made = prepare(load(path), calibration, options)
    found = evaluate(made.network, made.graph, x, labels, steps)
    assert found.curve.accuracy[-1] >= share_of_ann * found.ann_right / IMAGES
    assert found.curve.accuracy[-1] >= 0.95
    assert {layer.name: layer.pearson for layer in found.layers if layer.pearson <= hidden} == {}
    (wanted,) = run_model(path, x).values()
    rates = found.trace[:, -1] / steps
    assert np.corrcoef(rates.ravel(), wanted.ravel())[0, 1] > output
