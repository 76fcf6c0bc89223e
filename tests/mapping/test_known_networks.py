"""The sizes of known networks, and the cores that they take where kernels are stored once."""

from math import ceil, prod
from pathlib import Path

import pytest

import benchmarks.mapping
from benchmarks.mapping.shapes import NETWORKS
from neurocomp.hw.read import load_target
from neurocomp.mapping.split import split

KERNELS = load_target(Path(benchmarks.mapping.__file__).with_name("kernels.toml"))

# Neurons: Howard et al. 2017, Szegedy et al. 2016, Simonyan and Zisserman 2015, with their pools.
CASES = [
    ("lenet", 8_094, 13),
    ("mobilenet128", 1_648_616, 1_649),
    pytest.param("mobilenet224", 5_044_712, 5_104, marks=pytest.mark.slow),
    pytest.param("inception3", 11_681_576, 17_445, marks=pytest.mark.slow),
    ("vgg16", 15_087_080, 42_898),
]


@pytest.mark.parametrize(("name", "neurons", "most"), CASES)
def test_a_known_network_takes_at_most_so_many_cores(name: str, neurons: int, most: int) -> None:
    net = NETWORKS[name]()
    assert sum(prod(p.shape) for p in net.populations) == neurons
    cut = split(net, KERNELS, groups=True)
    assert ceil(neurons / 1024) <= sum(grid.count for grid in cut.values()) <= most
