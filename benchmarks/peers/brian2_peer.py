"""Time Brian2 on a chain, one image; one line of JSON.

    python brian2_peer.py brian2 chain.npz STEPS counts.npz

Synapses are given as arrays, code is compiled by Cython. Two runs of different length are
made once all is compiled, and what is between them counts. Each projection adds a step of delay.
"""

import json
import sys
import time

import brian2 as b2
import numpy as np
from memory import peak_mb

SHORT, LEAST = 2, 100  # steps: making a run ready takes as long as many


def edges(layer: dict, weight: np.ndarray, pre_shape: tuple) -> tuple[np.ndarray, ...]:
    """List pre, post and weight of a convolution over pooled cells."""
    outs, _, kernel_rows, kernel_columns = weight.shape
    (rows, columns), (sy, sx), (top, left, _, _) = (layer[k] for k in ("pool", "strides", "pads"))
    _, height, width = layer["shape"]
    groups = layer["groups"]
    c, y, x, i, ky, kx, py, px = np.ogrid[
        :outs, :height, :width, : weight.shape[1], :kernel_rows, :kernel_columns, :rows, :columns
    ]
    source = i + c // (outs // groups) * weight.shape[1]
    at_y = (y * sy - top + ky) * rows + py
    at_x = (x * sx - left + kx) * columns + px
    _, in_rows, in_columns = pre_shape
    inside = (at_y >= 0) & (at_y < in_rows) & (at_x >= 0) & (at_x < in_columns)
    pre = (source * in_rows + at_y) * in_columns + at_x
    post = (c * height + y) * width + x
    values = weight[:, None, None, :, :, :, None, None]
    found = np.broadcast_arrays(pre, post, values, inside)
    kept = found[3].ravel()
    return tuple(each.ravel()[kept] for each in found[:3])


def main() -> int:
    path, steps, counts = sys.argv[2], int(sys.argv[3]), sys.argv[4]
    file = np.load(path)
    layers = json.loads(str(file["layers"]))
    b2.defaultclock.dt = 1 * b2.ms
    groups, monitors, made = [], [], []
    for i, layer in enumerate(layers):
        size = int(np.prod(layer["shape"]))
        fires = {"threshold": "v > theta", "reset": "v -= theta"} if layer["fires"] else {}
        group = b2.NeuronGroup(
            size, "v : 1\nI : 1\ntheta : 1\nfirst : integer", method="exact", order=0, **fires
        )
        group.run_regularly("v += I * int(t_in_timesteps >= first)", when="groups")
        group.I = file["drive"][0].ravel() if i == 0 else file[f"b{i}"].ravel()
        group.first = i
        if layer["fires"]:
            group.theta = file[f"thresholds{i}"].ravel()
            monitors.append(b2.SpikeMonitor(group))
        if i:
            pre, post, weight = edges(layer, file[f"w{i}"], layers[i - 1]["shape"])
            synapses = b2.Synapses(groups[-1], group, "w : 1", on_pre="v_post += w")
            synapses.connect(i=pre, j=post)
            synapses.w = weight
            made.append(synapses)
        groups.append(group)
    network = b2.Network(*groups, *monitors, *made)
    network.store()
    timed = max(steps, LEAST)
    spent = {}
    for length in (SHORT, SHORT, SHORT + timed):  # the first compiles
        network.restore()
        begin = time.process_time()
        network.run(b2.defaultclock.dt * length)
        spent[length] = time.process_time() - begin
    seconds = spent[SHORT + timed] - spent[SHORT]
    peak = peak_mb()
    counted = {}
    for i, monitor in enumerate(monitors):
        step = np.rint(np.asarray(monitor.t / b2.defaultclock.dt)).astype(int)
        here = (step >= i) & (step < i + steps)  # each projection adds a step
        size = int(np.prod(layers[i]["shape"]))
        count = np.bincount(np.asarray(monitor.i)[here], minlength=size)
        counted[f"counts{i}"] = count.reshape(1, *layers[i]["shape"])
    np.savez(counts, **counted)
    each = seconds / timed * 1e6
    print(json.dumps({"us": each, "mb": peak, "images": 1, "steps": timed}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
