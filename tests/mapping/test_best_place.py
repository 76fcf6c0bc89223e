"""The best placement of a small network, proved by another solver."""

import numpy as np
import pytest
from ortools.sat.python import cp_model
from scipy.sparse import csr_array

from benchmarks.mapping.shapes import lenet
from neurocomp.arrays import Array
from neurocomp.hw.target import Mesh
from neurocomp.mapping.arrange import Effort, arrange, cost, symmetric
from neurocomp.mapping.floor import Floor, floor
from neurocomp.mapping.lay import Wishes, lay
from neurocomp.snn.rates import assumed
from tests.mapping.test_known_networks import KERNELS

SQUARE = Mesh(width=4, height=4, chips=None)


def least(flow: csr_array, on: Floor) -> float:
    """Give the hops of the best placement; flows are whole numbers."""
    both, model = symmetric(flow).tocoo(), cp_model.CpModel()
    rows = [model.new_int_var(0, 3, f"y{i}") for i in range(flow.shape[0])]
    columns = [model.new_int_var(0, 3, f"x{i}") for i in range(flow.shape[0])]
    seats = [model.new_int_var(0, len(on.x) - 1, f"s{i}") for i in range(flow.shape[0])]
    for y, x, seat in zip(rows, columns, seats, strict=True):
        model.add(seat == 4 * y + x)
    model.add_all_different(seats)
    total = []
    for a, b, much in zip(both.row.tolist(), both.col.tolist(), both.data.tolist(), strict=True):
        if a < b:
            for along in (rows, columns):
                apart = model.new_int_var(0, 3, f"d{a},{b}")
                model.add(apart >= along[a] - along[b])
                model.add(apart >= along[b] - along[a])
                total.append(round(much) * apart)
    model.minimize(sum(total))
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds, solver.parameters.num_workers = 300, 2
    assert solver.solve(model) == cp_model.OPTIMAL
    return solver.objective_value


@pytest.mark.slow
def test_a_lenet_on_thirteen_cores_lies_as_well_as_can_be() -> None:
    net = lenet()
    found = lay(net, KERNELS, assumed(net, 1.0), Wishes(extra=0.0, effort=Effort(moves=0)))
    flow: csr_array = found.flow
    assert flow.shape == (13, 13)
    on = floor(SQUARE, 16, 1)
    seats: Array = arrange(flow, SQUARE, 16, 1, Effort())
    assert cost(flow, seats, on) == least(flow, on)
    assert np.unique(seats).size == 13
