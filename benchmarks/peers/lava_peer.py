"""Time Lava's stock processes on a chain without biases, one image; one line of JSON.

    python lava_peer.py lava chain.npz STEPS counts.npz

Conv or Dense, then LIF, floating point; LIF resets to zero. CPU time is that of all of Lava's
operating-system processes; two runs of different length are made, and what is between them counts.
"""

import json
import resource
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path

import numpy as np

EMITTED = Path(__file__).parents[2] / "neurocomp" / "backends" / "lava" / "emitted"
SHORT = 2
LEAST = 60  # steps: starting Lava takes as long as some


def network(file, layers):
    """Give the neurons' processes, joined."""
    from lava.proc.conv.process import Conv
    from lava.proc.dense.process import Dense
    from lava.proc.lif.process import LIF

    neurons = []
    for i, layer in enumerate(layers):
        outs, height, width = layer["shape"]
        shape = (outs,) if layer["dense"] else (height, width, outs)
        vth = float(file[f"thresholds{i}"].flat[0]) if layer["fires"] else 1e30
        bias = file["drive"][0].transpose(1, 2, 0).astype(float) if i == 0 else 0.0
        lif = LIF(shape=shape, du=1.0, dv=0.0, vth=vth, bias_mant=bias)
        if i:
            weight = np.repeat(file[f"w{i}"], layer["pool"][0], axis=2)
            weight = np.repeat(weight, layer["pool"][1], axis=3).astype(float)
            before = neurons[-1].s_out
            if layer["dense"]:
                flat = weight.transpose(0, 2, 3, 1).reshape(outs, -1)
                synapse = Dense(weights=flat)
                if len(before.shape) > 1:
                    before = before.reshape((flat.shape[1],))
            else:
                synapse = Conv(
                    weight=weight.transpose(0, 2, 3, 1)[:, ::-1, ::-1].copy(),
                    input_shape=before.shape,
                    stride=[a * b for a, b in zip(layer["strides"], layer["pool"], strict=True)],
                    padding=[a * b for a, b in zip(layer["pads"][:2], layer["pool"], strict=True)],
                    groups=layer["groups"],
                )
            before.connect(synapse.s_in)
            synapse.a_out.connect(lif.a_in)
        neurons.append(lif)
    return neurons


def run(file, layers, steps, watched):
    """Run and give CPU seconds, and counts of `watched` steps."""
    from lava.magma.core.run_conditions import RunSteps
    from lava.magma.core.run_configs import Loihi2SimCfg
    from lava.proc.monitor.process import Monitor

    before = _spent()
    neurons = network(file, layers)
    monitors = []
    for lif in neurons[:-1] if watched else ():
        monitor = Monitor()
        monitor.probe(lif.s_out, steps)
        monitors.append((lif.name, monitor))
    neurons[0].run(
        condition=RunSteps(num_steps=steps), run_cfg=Loihi2SimCfg(select_tag="floating_pt")
    )
    # every synapse adds a step: layer i is i steps late
    seen = [m.get_data()[name]["s_out"] for name, m in monitors]
    counts = [each[i : i + watched].sum(axis=0) for i, each in enumerate(seen)]
    neurons[0].stop()
    return _spent() - before, counts


def _spent():
    both = [resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in both)


def main():
    path, steps, counts = sys.argv[2], int(sys.argv[3]), sys.argv[4]
    file = np.load(path)
    layers = json.loads(str(file["layers"]))
    if any(np.any(file[f"b{i}"]) for i in range(1, len(layers))):
        raise SystemExit("stock processes start every bias at step 1")
    # as our own artifacts do, so that Python 3.11 and newer import Lava
    SourceFileLoader("simulate", str(EMITTED / "simulate.py.txt")).load_module().cure_dataclasses()
    stdout, sys.stdout = sys.stdout, sys.stderr
    short, _ = run(file, layers, SHORT, watched=0)
    timed = max(steps, LEAST)
    long, _ = run(file, layers, SHORT + timed, watched=0)
    _, counted = run(file, layers, steps + len(layers), watched=steps)
    sys.stdout = stdout
    whole = {
        f"counts{i}": (c.transpose(2, 0, 1) if c.ndim == 3 else c.reshape(-1, 1, 1))[None]
        for i, c in enumerate(counted)
    }
    np.savez(counts, **whole)
    each = (long - short) / timed * 1e6
    print(json.dumps({"us": each, "images": 1, "steps": timed}))


if __name__ == "__main__":
    main()
