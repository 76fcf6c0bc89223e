"""The peers and their environments, made once in the cache. What cannot be had is left out."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

READY = "ready"


@dataclass(frozen=True)
class Peer:
    """A simulator: the script that times it, its name in that script, what it needs."""

    name: str
    script: str
    environment: str  # peers that share one have the same
    python: str = ""  # "" is the running one's version
    requirements: tuple[str, ...] = ()
    reset: str = "subtract"  # what it can do after a spike


TORCH = ("torch==2.13.0", "spikingjelly", "sinabs", "snntorch", "norse")
TOOLBOX = ("tensorflow-cpu==2.6.*", "keras==2.6.*", "protobuf<3.21", "snntoolbox==0.6.0")
PEERS = (
    *(
        Peer(name, "torch_peer.py", "torch", requirements=TORCH)
        for name in ("snntorch", "spikingjelly", "sinabs")
    ),
    Peer("norse", "torch_peer.py", "torch", requirements=TORCH, reset="zero"),
    Peer("snntoolbox", "toolbox_peer.py", "toolbox", "python3.8", TOOLBOX),
    Peer("brian2", "brian2_peer.py", ""),
    Peer("lava", "lava_peer.py", "lava", reset="zero"),
)


def interpreter(peer: Peer) -> str:
    """Give the peer's Python; make its environment where there is none. "" if it cannot be had."""
    if not peer.environment:
        return sys.executable
    if peer.environment == "lava":
        return _lava()
    folder = _cache() / f"peers-{peer.environment}"
    python = folder / "bin" / "python"
    if (folder / READY).is_file():
        return str(python)
    base = _base(peer.python) if peer.python else sys.executable
    if not base:
        print(f"{peer.name} is left out: there is no {peer.python}", file=sys.stderr)
        return ""
    shutil.rmtree(folder, ignore_errors=True)
    print(f"making {folder}", file=sys.stderr)
    done = subprocess.run([base, "-m", "venv", folder])
    for requirement in _groups(peer):
        if not done.returncode:
            done = subprocess.run([python, "-m", "pip", "install", "--quiet", *requirement])
    if done.returncode:
        print(f"{peer.name} cannot be installed and is left out", file=sys.stderr)
        return ""
    (folder / READY).write_text("made by benchmarks/peers\n")
    return str(python)


def _groups(peer: Peer) -> list[tuple[str, ...]]:
    """Give what is installed together: the toolbox's pins; of the torch peers one at a time."""
    if peer.environment == "toolbox":
        return [peer.requirements]
    return [(requirement,) for requirement in peer.requirements]


def _lava() -> str:
    from neurocomp.backends import backend
    from neurocomp.errors import BackendError
    from neurocomp.simulation import setup

    try:
        return str(setup(backend("lava")))
    except BackendError as error:
        print(f"lava is left out: {error}", file=sys.stderr)
        return ""


def _base(name: str) -> str:
    """Find an interpreter, by name or among pyenv's; "" where none runs."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    version = name.removeprefix("python")
    candidates = [shutil.which(name), *sorted(root.glob(f"versions/{version}.*/bin/python"))]
    for found in candidates:
        if found and not subprocess.run([found, "-c", ""], capture_output=True).returncode:
            return str(found)
    return ""


def _cache() -> Path:
    return Path(os.environ.get("NEUROCOMP_CACHE") or Path.home() / ".cache" / "neurocomp")
