#!/bin/sh
# Run the kernel's own tests under the address, undefined-behaviour and thread sanitizers.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for sanitizers in address,undefined thread; do
    cmake -S "$here" -B "$scratch/$sanitizers" -DKERNEL_MODULE=OFF -DKERNEL_TESTS=ON \
        -DCMAKE_BUILD_TYPE=RelWithDebInfo -DKERNEL_SANITIZE="$sanitizers" >/dev/null
    cmake --build "$scratch/$sanitizers" --parallel 2 >/dev/null
    echo "$sanitizers:"
    "$scratch/$sanitizers/test_kernel"
done
