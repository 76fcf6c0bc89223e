"""The compiled module, from native/module.cpp. Wrong types raise TypeError, values ValueError."""

from collections.abc import Sequence

from neurocomp.arrays import Array

INTERFACE: int

def levels() -> list[str]: ...

class Machine:
    def __init__(self) -> None: ...
    def add_population(
        self,
        shape: Sequence[int],
        model: int,
        start: int,
        lanes: int,
        wide: bool,
        kind: int,
        threshold: Array,
        v_init: Array,
        steady: Array,
        seed: int,
        inner: Sequence[int],
        pool: Sequence[int] | None,
    ) -> int: ...
    def add_gather(
        self,
        target: int,
        source: int,
        delay: int,
        shift: int,
        pool: Sequence[int],
        geometry: Sequence[int],
        weight: Array,
        fan_out: Array | None,
        word: int,
        channel: int,
    ) -> None: ...
    def add_channels(
        self,
        target: int,
        source: int,
        delay: int,
        geometry: Sequence[int],
        weight: Array,
        fan_out: Array,
    ) -> None: ...
    def add_scatter(
        self,
        target: int,
        source: int,
        delay: int,
        shift: int,
        start: Array,
        post: Array,
        weight: Array,
    ) -> None: ...
    def add_current(
        self,
        target: int,
        shape: Sequence[int],
        geometry: Sequence[int],
        weight: Array,
        factor: Array,
        multiple: int,
    ) -> None: ...
    def add_window(
        self,
        target: int,
        source: int,
        delay: int,
        geometry: Sequence[int],
        fan_out: Array,
        shift: int,
        weights: Array,
    ) -> None: ...
    def run(
        self,
        groups: Sequence[Sequence[int]],
        samples: int,
        steps: int,
        tile: int,
        threads: int,
        level: str,
        currents: Sequence[Array | None],
        inputs: Sequence[Sequence[Array]],
        counts: Sequence[Array | None],
        operations: Sequence[Array | None],
        bits: Sequence[Array | None],
        membranes: Sequence[Array | None],
        peak: Sequence[Array | None],
    ) -> None: ...
