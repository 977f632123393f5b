#!/bin/sh
# The generic kernels are compiled for another processor, whose compiler has no header of x86.
set -eu
. test/report.sh

compiler=aarch64-linux-gnu-gcc
work=$BUILD/aarch64
rm -rf "$work"
mkdir -p "$work"

compiles() {
    $compiler -std=c11 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -ffp-contract=fast -fno-math-errno \
        -fno-trapping-math -I. -DAG__ISA=generic -c -o "$work/$(basename "$1").o" "$1"
}
no_x86() {
    ! grep -q 'mm.*intrin\.h' "$work/includes"
}

if ! command -v $compiler >/dev/null; then
    skip kernels_for_aarch64 "$compiler is not here (Debian's gcc-aarch64-linux-gnu and libc6-dev-arm64-cross)"
else
    for f in autograd/kernels/*.c; do check "$(basename "$f")" compiles "$f"; done
    for f in autograd/kernels/*.c; do $compiler -I. -DAG__ISA=generic -M "$f"; done >"$work/includes"
    check no_header_of_x86 no_x86
fi
report
