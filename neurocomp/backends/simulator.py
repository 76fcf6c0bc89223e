"""What the artifacts of a backend need to run."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulator:
    """A simulator that lives in some interpreter, not necessarily ours."""

    module: str  # its import name
    title: str  # for people: "Brian2"
    install: tuple[
        tuple[str, ...], ...
    ]  # arguments of each `pip install` that makes an environment
    wanted: bool = True  # False: only where it is asked for by name
    alone: bool = True  # False: it runs whole networks on their chip, no single blocks of them
    blocks: int = 24  # that one run holds at most, where a network is verified core by core
