"""Compile the simulator's kernel when a wheel is built; without a compiler, build without it."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCE = Path("neurocomp", "engine", "native")


class KernelHook(BuildHookInterface):
    """Runs CMake and adds the module to the wheel, or to the checkout for an editable one."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the module; where that fails, say so and go on: the package runs without it."""
        if self.target_name != "wheel" or os.environ.get("NEUROCOMP_NO_KERNEL"):
            return
        root = Path(self.root)
        with tempfile.TemporaryDirectory(prefix="neurocomp-kernel-") as scratch:
            try:
                module = build(root / SOURCE, Path(scratch))
            except (OSError, subprocess.CalledProcessError) as error:
                output = getattr(error, "output", "") or ""
                self.app.display_warning(f"{output}\nkernel: {error}; neurocomp runs slowly")
                return
            place = root / SOURCE.parent / module.name
            place.unlink(missing_ok=True)
            place.write_bytes(module.read_bytes())
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        if version != "editable":
            build_data["force_include"][str(place)] = f"neurocomp/engine/{place.name}"


def build(source: Path, scratch: Path) -> Path:
    """Give the compiled module. Raises CalledProcessError or OSError where it cannot be built."""
    for command in (
        [
            "cmake",
            "-S",
            source,
            "-B",
            scratch,
            "-G",
            "Ninja",
            f"-DPython_EXECUTABLE={sys.executable}",
        ],
        ["cmake", "--build", scratch],
    ):
        subprocess.run(
            command, check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
    return next(scratch.glob("kernel.*"))
