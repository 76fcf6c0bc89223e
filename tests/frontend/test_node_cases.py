"""What the operators compute is what the standard's own cases demand."""

import re

import numpy as np
import pytest

from tests.frontend.node_cases import Case, cases

CASES = {case.name: case for case in cases()}

# The first pattern that a case's name fits says why it is refused. All other cases must agree.
BATCH = "its first axis is not the batch"
REFUSED = {
    r".*_u?int\d+.*": "holds integers",
    r"test_(edge|reflect|wrap)_pad": "holds integers",
    r"test_add_bcast|test_(sub|mul|div)_bcast": BATCH,
    r"test_(add|sub|mul|div)_bcast-constant-left": r"of shape \(3, 4, 5\) does not fit",
    r"test_(mul|div)(_example)?": "of two computed values is not linear",
    r"test_div(_example)?-constant-left": "divides by a computed value",
    r"test_(averagepool|maxpool)_3d_.*": "slides over 3 axes",
    r"test_batchnorm_.*_training_mode": "is in training mode",
    r"test_training_dropout.*": "drops values at random",
    r"test_clip(_example|_(in|out|split)bounds|_default_(max|inbounds)|_min_.*)?": "a neuron clips",
    r"test_constant_pad.*": "value 1.2, zeros can be placed",
    r"test_concat_1d_.*|test_concat_.d_axis_0|test_concat_(2d.*_2|3d.*_3)": BATCH,
    r"test_flatten_(axis[023]|negative_axis[124])": BATCH,
    r"test_gemm_default_matrix_bias": "adds another bias to each of 3 samples",
    r"test_gemm_(transposeA|all_attributes)": BATCH,
    r"test_(log)?softmax_axis_0": "axis 0 of (Log)?Softmax is the batch",
    r"test_matmul_(3d|4d|bcast|4d_1d)": "features by a matrix can be placed",
    r"test_matmul_1d_[13]d": BATCH + "|features by a matrix",
    r"test_reduce_mean_default_axes_.*": BATCH,
    r"test_reshape_(reordered_all_dims|one_dim|negative_extended_dims|allowzero_.*)": BATCH,
    r"test_squeeze": BATCH,
    r"test_transpose_(default|all_permutations_[2345])": BATCH,
    r"test_unsqueeze_axis_0": BATCH,
}
LITERAL = {"test_averagepool_2d_ceil_last_window_starts_on_pad"}  # written with four digits


def reason(name: str) -> str | None:
    return next((why for p, why in REFUSED.items() if re.fullmatch(p, name)), None)


def refusal(case: Case) -> str | None:
    if any(a.dtype.kind != "f" for a in (*case.streams, case.output)):
        return "holds integers"  # `prepare` refuses such an input by its type
    problem = case.read().problem
    return problem.wrong if problem else None


def test_there_are_cases_of_every_operator() -> None:
    agreeing = {c.model.graph.node[0].op_type for c in CASES.values() if reason(c.name) is None}
    assert len(agreeing) >= 24
    assert len([c for c in CASES if reason(c) is None]) >= 120


@pytest.mark.parametrize("name", [name for name in CASES if reason(name) is None])
def test_an_operator_computes_what_the_standard_demands(name: str) -> None:
    case = CASES[name]
    assert refusal(case) is None
    op = case.read().op
    assert op is not None
    result = op.run(*case.streams)
    assert result.dtype == case.output.dtype
    tolerance = 1e-4 if name in LITERAL else 1e-6
    np.testing.assert_allclose(result, case.output, rtol=1e-5, atol=tolerance)


@pytest.mark.parametrize("name", [name for name in CASES if reason(name) is not None])
def test_what_is_refused_is_refused_for_the_reason_in_the_table(name: str) -> None:
    assert re.search(str(reason(name)), str(refusal(CASES[name])))


def test_every_line_of_the_table_refuses_something() -> None:
    firsts = {next((p for p in REFUSED if re.fullmatch(p, n)), None) for n in CASES}
    assert set(REFUSED) <= firsts
