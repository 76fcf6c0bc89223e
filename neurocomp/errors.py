"""Every error that a user can meet.

NeurocompError            something the user can act on; `where` says what it is about
├── ModelError            the model file or its samples hold something that cannot be expressed
├── GraphError            a graph or network broke an invariant (a bug in a pass)
├── TargetError           a target file is wrong
├── CapacityError         the network does not fit the chip
├── UnsupportedError      the chip or backend cannot express part of the network
├── BackendError          the simulator is missing, or failed
│   └── MissingError      no interpreter that has it is known
└── ArtifactError         a folder is not an artifact that can be read, or cannot be written
"""


class NeurocompError(Exception):
    """Say where, what is wrong with both numbers, and what to do: `where: wrong (remedy)`."""

    def __init__(self, where: str, wrong: str, remedy: str = "") -> None:
        """Keep the three parts for programs; `str()` joins them for people."""
        super().__init__(f"{where}: {wrong} ({remedy})" if remedy else f"{where}: {wrong}")
        self.where = where
        self.wrong = wrong
        self.remedy = remedy


class ModelError(NeurocompError):
    """The model file, or the samples given with it, cannot be expressed."""


class GraphError(NeurocompError):
    """A graph or network broke an invariant: a bug in a pass."""


class TargetError(NeurocompError):
    """A target file is wrong."""


class CapacityError(NeurocompError):
    """The network does not fit the chip."""


class UnsupportedError(NeurocompError):
    """The chip or backend cannot express part of the network."""


class BackendError(NeurocompError):
    """The simulator is missing, or failed."""


class MissingError(BackendError):
    """No interpreter that has the simulator is known."""


class ArtifactError(NeurocompError):
    """A folder is not an artifact that can be read, or cannot be written."""
