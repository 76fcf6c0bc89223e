"""The generic engine, population by population: the oracle's numbers, whatever is run at once."""

import pytest

from neurocomp.arrays import Array
from neurocomp.engine import waves
from neurocomp.snn.network import Network
from tests.backends.corpus import CORPUS, bottlenecks
from tests.backends.corpus import samples as corpus_samples
from tests.engine.against import assert_same
from tests.engine.nets import NETS, recurrent, samples

STEPS = 20


def inputs(network: Network) -> dict[str, Array]:
    return {network.inputs[0].name: corpus_samples(network, 2)}


@pytest.mark.parametrize("drive_bytes", [1, 2**26])
@pytest.mark.parametrize("name", NETS)
def test_tiles_of_steps_change_nothing(
    name: str, drive_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waves, "DRIVE_BYTES", drive_bytes)
    network = NETS[name]()
    assert_same(network, samples(network, 2), STEPS, level="generic")


@pytest.mark.parametrize("relay", ["graded", "pair"])
def test_linear_streams_run_as_the_oracle_has_them(relay: str) -> None:
    network = bottlenecks(relay, integer=False)
    assert (waves.order(network) is not None) == (relay == "graded")
    assert_same(network, inputs(network), STEPS, level="generic")


def test_what_waits_for_itself_runs_step_by_step() -> None:
    assert waves.order(recurrent(1)) is None


@pytest.mark.parametrize("name", CORPUS)
def test_every_network_of_the_backends(name: str) -> None:
    network = CORPUS[name]()
    assert_same(network, inputs(network), STEPS, level="generic")
