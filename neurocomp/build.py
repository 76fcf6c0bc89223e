"""A program on disk: written, and read back."""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import reduce
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from neurocomp.ann.graph import Graph
from neurocomp.arrays import Array, Shape
from neurocomp.artifact import REPORT, Files, read_file, read_json, read_manifest, write
from neurocomp.backends import backend, wanted
from neurocomp.codec import from_plain, to_plain
from neurocomp.compiler import Options
from neurocomp.errors import ArtifactError
from neurocomp.frontend.onnx import run_model, to_model
from neurocomp.passes import REWRITES
from neurocomp.program import Program
from neurocomp.snn.boxes import whole
from neurocomp.snn.network import Network

MODEL = "model.onnx"
MOST_SYNAPSES = 100_000_000  # of a network that is simulated whole: files of a GB, and more memory


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Artifact:
    """A compiled program on disk."""

    folder: Path
    manifest: Mapping[str, Any]
    program: Program

    @property
    def backends(self) -> tuple[str, ...]:
        """List the backends that it was compiled for."""
        return tuple(self.manifest["backends"])

    @property
    def input_shape(self) -> Shape:
        """Give the shape of one sample, as the model takes it."""
        return tuple(self.manifest["input_shape"])

    def ann(self, samples: Array) -> Array:
        """Give the trained network's own output, (samples, classes), by onnxruntime."""
        read_file(self.folder, MODEL, self.manifest)
        (output,) = run_model(self.folder / MODEL, samples).values()
        return output


def files(program: Program, graph: Graph, backends: Sequence[str]) -> Files:
    """Give everything that an artifact holds but its manifest."""
    arrays: dict[str, Array] = {}
    plain = to_plain(program, arrays)
    own: dict[str, str | bytes | Array] = {
        "program.json": json.dumps(plain, indent=1) + "\n",
        MODEL: to_model(graph).SerializeToString(deterministic=True),
        **{f"arrays/{name}.npy": array for name, array in arrays.items()},
    }
    return reduce(lambda all_, name: all_ | backend(name).emit(program), backends, Files(own))


def simulated(program: Program) -> tuple[str, ...]:
    """Name the backends that simulate all of `program` where none is asked for."""
    return wanted() if synapses(program.network) <= MOST_SYNAPSES else ()


def synapses(network: Network) -> int:
    """Count the synapses of `network`, each by itself, as simulators hold them."""
    return sum(p.synapse.fan_in(whole(p.synapse.post_shape)) for p in network.projections)


def emit(
    program: Program,
    graph: Graph,
    folder: str | Path,
    backends: Sequence[str] | None = None,
    options: Options | None = None,
) -> Artifact:
    """Write `program` as the artifact `folder`, with a simulation for each backend.

    Without `backends` these are Brian2 and Lava, or none for a network too large to simulate whole.
    Raises ArtifactError where the folder holds something else.
    """
    chosen = simulated(program) if backends is None else backends
    manifest = {
        "neurocomp": version("neurocomp"),
        "target": program.target.name,
        "backends": list(chosen),
        "steps": program.steps,
        "input_shape": list(graph.input_shape),
        "options": asdict(options or Options(steps=program.steps)),
        "passes": [one.name for one in REWRITES],
        "versions": {name: version(name) for name in ("numpy", "onnx", "onnxruntime", "networkx")},
    }
    write(files(program, graph, chosen), Path(folder), manifest)
    return read(folder)


def read(folder: str | Path) -> Artifact:
    """Read an artifact back. Raises ArtifactError where it is damaged or of another format."""
    place = Path(folder)
    manifest = read_manifest(place)

    def array(name: str) -> Array:
        content = read_file(place, f"arrays/{name}.npy", manifest)
        kept: Array = np.load(io.BytesIO(content), allow_pickle=False)
        return kept

    plain = json.loads(read_file(place, "program.json", manifest))
    program = from_plain(plain, array)
    if not isinstance(program, Program):
        raise ArtifactError(str(place), "holds no program", "compile again")
    return Artifact(folder=place, manifest=manifest, program=program)


def report(folder: Path) -> dict[str, Any]:
    """Give an artifact's report, empty where there is none yet."""
    path = folder / REPORT
    return read_json(path) if path.is_file() else {}
