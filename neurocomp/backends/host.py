"""What every backend's folder needs so that its run.py can read samples and compute the currents.

`emitted/host.py` is copied as it stands; `host.npz` beside it holds the numbers. A backend is a
folder with an `__init__.py`, so `emitted` is none.
"""

import io
import zipfile
from collections.abc import Mapping
from importlib.resources import files
from math import prod

import numpy as np

from neurocomp.arrays import Array
from neurocomp.artifact import encode
from neurocomp.errors import UnsupportedError
from neurocomp.program import Program
from neurocomp.snn.boxes import whole
from neurocomp.snn.network import Current, Network, Population
from neurocomp.snn.neurons import Graded, NoMembrane, Poisson, Recorded
from neurocomp.snn.synapses import Pooled


def host_files(program: Program, folder: str) -> dict[str, str | bytes | Array]:
    """Give host.py and host.npz for the artifact's `folder`.

    Raises UnsupportedError where the network has not one input: inputs.npz holds one array.
    """
    source = files("neurocomp.backends").joinpath("emitted", "host.py")
    return {
        f"{folder}/host.py": source.read_text(encoding="utf-8"),
        f"{folder}/host.npz": npz(host_arrays(program)),
    }


def host_arrays(program: Program) -> dict[str, Array]:
    """Give what host.npz holds: input, populations p0, p1..., currents c0, c1..."""
    network = program.network
    if len(network.inputs) != 1:
        raise UnsupportedError(
            "inputs", f"the network has {len(network.inputs)}, a run takes 1", "split the model"
        )
    (source,) = network.inputs
    names = [p.name for p in network.populations]
    arrays = {
        "input.shape": np.array(source.sample_shape, dtype=np.int64),
        "input.range": np.array([source.low, source.high, source.grid], dtype=np.float64),
        "length": np.array([network.run_length(program.steps)], dtype=np.int64),
        "readout": np.array([names.index(network.readout)], dtype=np.int64),
        "names": np.array(names, dtype=np.str_),
        "shapes": np.array([p.shape for p in network.populations], dtype=np.int64).reshape(-1, 3),
        "gates": np.array([isinstance(p.neuron, NoMembrane) for p in network.populations]),
        "graded": np.array([isinstance(p.neuron, Graded) for p in network.populations]),
        "seeds": np.array([_seed(p) for p in network.populations], dtype=np.int64),
        "targets": np.array([names.index(c.target) for c in network.currents], dtype=np.int64),
        "quanta": np.array([c.quantum for c in network.currents], dtype=np.float64),
    }
    arrays |= _biases(network)
    place = (
        np.arange(prod(source.shape)).reshape(source.sample_shape).transpose(source.order).ravel()
    )
    for n, population in enumerate(network.populations):
        if isinstance(population.neuron, Recorded):
            flat = population.neuron.spikes.reshape(*population.neuron.spikes.shape[:2], -1)
            arrays[f"p{n}.recorded"] = np.packbits(flat, axis=-1)
    for n, current in enumerate(network.currents):
        arrays |= {f"c{n}.{key}": values for key, values in _current(current, place).items()}
    return arrays


def _biases(network: Network) -> dict[str, Array]:
    dtype = np.int64 if network.integer else np.float64
    return {f"p{n}.bias": p.bias.ravel().astype(dtype) for n, p in enumerate(network.populations)}


def _seed(population: Population) -> int:
    """Give the seed of input spikes; -1 for all other populations."""
    return population.neuron.seed if isinstance(population.neuron, Poisson) else -1


def _current(current: Current, place: Array) -> dict[str, Array]:
    """Give a current's edges; `place`, (values,), says where in a sample each value stands."""
    synapse = current.synapse
    edges = synapse.edges(whole(synapse.post_shape))
    kept = edges.weight != 0
    taps = prod(synapse.kernel) if isinstance(synapse, Pooled) else 1
    post = edges.post * taps + edges.tap if isinstance(synapse, Pooled) else edges.post
    shape = (*synapse.post_shape, taps) if isinstance(synapse, Pooled) else synapse.post_shape
    factor = np.broadcast_to(current.scale / current.quantum, shape)
    return {
        "pre": place[edges.pre[kept]].astype(np.int32),
        "post": post[kept].astype(np.int32),
        "weight": edges.weight[kept].astype(np.float64),
        "factor": factor.ravel().astype(np.float64),
    }


def npz(arrays: Mapping[str, Array]) -> bytes:
    """Give `arrays` as an .npz file, the same bytes every time: no clock, no compression."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as packed:
        for key, values in arrays.items():
            packed.writestr(zipfile.ZipInfo(f"{key}.npy"), encode(values))
    return buffer.getvalue()
