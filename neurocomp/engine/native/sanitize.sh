#!/bin/sh
# Run the kernel under the address, undefined-behaviour and thread sanitizers: first its own tests,
# then the Python module, over every form and neuron model, with one and several threads.
#
#     PYTHON=.venv/bin/python neurocomp/engine/native/sanitize.sh
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
python=$(command -v "${PYTHON:-python3}")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$python" -m pip install --quiet --disable-pip-version-check --target "$scratch/tools" nanobind
mkdir "$scratch/package"
for part in neurocomp tests targets pyproject.toml CHANGELOG.md; do
    cp -r "$root/$part" "$scratch/package/"
done
for sanitizers in ${SANITIZERS:-address,undefined thread}; do
    build="$scratch/$sanitizers"
    PYTHONPATH="$scratch/tools" cmake -S "$here" -B "$build" -DKERNEL_TESTS=ON \
        -DPython_EXECUTABLE="$python" -DCMAKE_BUILD_TYPE=None -DCMAKE_CXX_FLAGS=-O1 \
        -DKERNEL_SANITIZE="$sanitizers" >/dev/null
    cmake --build "$build" --parallel 2 >/dev/null
    echo "$sanitizers, the kernel's own tests:"
    "$build/test_kernel"
    rm -f "$scratch"/package/neurocomp/engine/kernel*.so
    cp "$build"/kernel*.so "$scratch/package/neurocomp/engine/"
    case $sanitizers in thread) library=tsan ;; *) library=asan ;; esac
    # Python was not built with the sanitizer: its runtime has to be the first library, and what
    # Python itself never frees is no leak of ours. OpenBLAS brings threads that are not watched.
    echo "$sanitizers, the module:"
    (
        cd "$scratch/package"
        export PYTHONPATH="$scratch/package" ASAN_OPTIONS=detect_leaks=0 OPENBLAS_NUM_THREADS=1
        runtime=$(c++ -print-file-name=lib$library.so)
        export LD_PRELOAD="$runtime $(c++ -print-file-name=libstdc++.so)"
        "$python" -m pytest -W error -q -n 0 --capture=no -p no:cacheprovider \
            tests/engine/test_same_spikes.py tests/engine/test_bad_input.py \
            -k "every_form or threads_change or chunks or tiles or refuse or mistake"
    )
done
