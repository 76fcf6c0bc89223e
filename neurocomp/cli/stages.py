"""What each stage of a command took: seconds, and the most memory that was held."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time

from rich.table import Table

from neurocomp.cli.tables import table
from neurocomp.observe import Observe

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage, from when it was first told of to the next one."""

    name: str
    seconds: float
    cpu_seconds: float  # of all threads
    peak_mb: float | None  # of the process while the stage ran; None where the system does not say


class Watch:
    """Takes the times and the memory of stages, as progress tells of them."""

    def __init__(self, first: str) -> None:
        """Begin with the stage called `first`."""
        self.stages: list[Stage] = []
        self._begin(first)

    def observing(self, observe: Observe) -> Observe:
        """Give `observe` as a function that notes when another stage begins, too."""

        def noted(what: str, done: int, total: int) -> None:
            if what != self._name:
                self.enter(what)
            observe(what, done, total)

        return noted

    def enter(self, name: str) -> None:
        """End the stage that runs and begin another."""
        self.end()
        self._begin(name)

    def end(self) -> list[Stage]:
        """End the stage that runs, and give all so far."""
        self.stages.append(
            Stage(
                name=self._name,
                seconds=round(perf_counter() - self._seconds, 3),
                cpu_seconds=round(process_time() - self._cpu, 3),
                peak_mb=_peak_mb(),
            )
        )
        return self.stages

    def _begin(self, name: str) -> None:
        self._name, self._seconds, self._cpu = name, perf_counter(), process_time()
        with suppress(OSError):  # no Linux, or not ours to write: the peak is then the whole run's
            CLEAR.write_text("5")  # proc(5): the peak of resident memory starts anew


def spent(stages: Sequence[Stage]) -> Table:
    """Give one row a stage, and what they took together."""
    rows = [(s.name, s.seconds, s.cpu_seconds, s.peak_mb) for s in stages]
    peaks = [s.peak_mb for s in stages if s.peak_mb is not None]
    whole = (sum(s.seconds for s in stages), sum(s.cpu_seconds for s in stages))
    columns = ["stage", "#seconds", "#CPU seconds", "#peak MB"]
    return table("what it took", columns, [*rows, ("all", *whole, max(peaks, default=None))])


def _peak_mb() -> float | None:
    try:
        status = STATUS.read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    found = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return round(int(found[0]) / 1024, 1) if found else None
