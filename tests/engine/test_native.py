"""The kernel's own test, compiled: every build that this processor can run, against plain loops."""

import shutil
import subprocess
from pathlib import Path

import pytest

NATIVE = Path(__file__).parents[2] / "neurocomp" / "engine" / "native"


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("cmake"), reason="compiles the kernel, which takes cmake")
def test_every_build_gives_what_plain_loops_give(tmp_path: Path) -> None:
    options = ["-DKERNEL_MODULE=OFF", "-DKERNEL_TESTS=ON", "-DCMAKE_BUILD_TYPE=None"]
    for step in (["-S", NATIVE, "-B", tmp_path, *options], ["--build", tmp_path, "--parallel"]):
        subprocess.run(["cmake", *step], check=True, capture_output=True)
    done = subprocess.run([tmp_path / "test_kernel"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
