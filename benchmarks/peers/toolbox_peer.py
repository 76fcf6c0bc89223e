"""Time snntoolbox's INI simulator on a chain; one line of JSON. Python 3.8.

    python toolbox_peer.py snntoolbox chain.npz STEPS counts.npz

The toolbox has one threshold, 1, for all layers: weights are divided by each layer's. Two runs of
different length are made, what is between them is the simulation's own time.
"""

import configparser
import json
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import numpy as np
import tensorflow as tf
from memory import peak_mb
from tensorflow import keras

tf.config.threading.set_intra_op_parallelism_threads(2)
tf.config.threading.set_inter_op_parallelism_threads(1)
SHORT, CHECKED = 2, 2


def model(file, batch):
    """Give the chain as a Keras model, channels last."""
    layers = json.loads(str(file["layers"]))
    _, channels, rows, columns = file["images"].shape
    x = made = keras.layers.Input(batch_shape=(batch, rows, columns, channels))
    weights = []
    for i, layer in enumerate(layers):
        pool = layer["pool"]
        if pool != [1, 1]:
            x = keras.layers.AveragePooling2D(pool)(x)
        threshold = float(file[f"thresholds{i}"].flat[0]) if layer["fires"] else 1000.0
        weight = file[f"w{i}"] * (pool[0] * pool[1]) / threshold
        outs = weight.shape[0]
        kind = "relu" if layer["fires"] else "softmax"
        bias = file[f"b{i}"].reshape(outs, -1)[:, 0] / threshold
        if layer["dense"]:
            x = keras.layers.Flatten()(x) if len(x.shape) > 2 else x
            x = keras.layers.Dense(outs, activation=kind)(x)
            weights.append([weight.transpose(2, 3, 1, 0).reshape(-1, outs), bias])
        else:
            padding = "same" if any(layer["pads"]) else "valid"
            x = keras.layers.Conv2D(outs, weight.shape[2:], padding=padding, activation=kind)(x)
            weights.append([weight.transpose(2, 3, 1, 0), bias])
    made = keras.models.Model(made, x)
    with_weights = [each for each in made.layers if each.weights]
    for each, arrays in zip(with_weights, weights):  # noqa: B905  # Python 3.8 has no strict
        each.set_weights([a.astype(np.float32) for a in arrays])
    made.compile("sgd", "categorical_crossentropy", ["accuracy"])
    return made


def simulate(folder, images, steps, logged=False):
    """Run the toolbox for so many steps; give CPU seconds."""
    from snntoolbox.bin.run import main

    config = configparser.ConfigParser()
    config["paths"] = {
        "path_wd": str(folder),
        "dataset_path": str(folder),
        "filename_ann": "chain",
        "runlabel": "logged" if logged else "timed",
    }
    config["tools"] = {
        "evaluate_ann": False,
        "normalize": False,
        "parse": True,
        "convert": True,
        "simulate": True,
    }
    config["simulation"] = {
        "simulator": "INI",
        "duration": steps,
        "num_to_test": images,
        "batch_size": images,
        "keras_backend": "tensorflow",
    }
    config["output"] = {"verbose": 0, "overwrite": True, "plot_vars": "{}"}
    config["output"]["log_vars"] = "{'spiketrains_n_b_l_t'}" if logged else "{}"
    path = folder / "config"
    with open(path, "w") as file:
        config.write(file)
    begin = time.process_time()
    main(str(path))
    return time.process_time() - begin


def logged(folder, layers):
    """Give the counts of the layers that fire, channels first."""
    (path,) = folder.glob("log/**/logged/**/log_vars/*.npz")
    # an array of objects, which this process wrote a moment ago
    trains = np.load(str(path), allow_pickle=True)["spiketrains_n_b_l_t"]
    found = [np.asarray(train) for train, name in trains if "Pooling" not in name]
    counts = {}
    for i, train in enumerate(found[: layers - 1]):
        count = (train > 0).sum(axis=-1)
        counts[f"counts{i}"] = count.transpose(0, 3, 1, 2) if count.ndim == 4 else count
    return counts


def main():
    path, steps, counts = sys.argv[2], int(sys.argv[3]), sys.argv[4]
    file = np.load(path)
    images = file["images"].transpose(0, 2, 3, 1)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        made = model(file, len(images))
        made.save(str(folder / "chain.h5"))
        outs = made.output_shape[-1]
        np.savez(str(folder / "x_test.npz"), images)
        np.savez(
            str(folder / "y_test.npz"), np.eye(outs, dtype=np.float32)[np.zeros(len(images), int)]
        )
        stdout, sys.stdout = sys.stdout, sys.stderr
        simulate(folder, len(images), SHORT)
        short = simulate(folder, len(images), SHORT)
        long = simulate(folder, len(images), SHORT + steps)
        made = model(file, CHECKED)
        made.save(str(folder / "chain.h5"))
        simulate(folder, CHECKED, steps, logged=True)
        np.savez(counts, **logged(folder, len(json.loads(str(file["layers"])))))
        sys.stdout = stdout
    each = (long - short) / (len(images) * steps) * 1e6
    peak = peak_mb()
    print(json.dumps({"us": each, "mb": peak, "images": len(images), "steps": steps}))


if __name__ == "__main__":
    main()
