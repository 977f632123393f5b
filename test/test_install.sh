#!/bin/sh
# Installs into a folder of its own, builds a C11 and a C++17 program there with what pkg-config says, shared and static,
# runs them, and uninstalls.
set -eu
. test/report.sh

for tool in pkg-config g++; do
    command -v $tool >/dev/null || { skip install "needs $tool" && report; exit; }
done

here=$(pwd)
root=$here/$BUILD/install
prefix=/opt/retrograd
# A make of its own, not a part of the one that runs this.
build() { MAKEFLAGS= MFLAGS= MAKELEVEL=1 make -s -C "$here" "$1" DESTDIR="$root" PREFIX=$prefix CC="$CC"; }

rm -rf "$root"
check install build install
mkdir -p "$root/work"
cp test/install/* "$root/work"
cd "$root/work"

export PKG_CONFIG_PATH="$root$prefix/lib/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$root"
version=$(awk '$2 ~ /^AG_VERSION_(MAJOR|MINOR|PATCH)$/ { printf "%s%s", d, $3; d = "." }' "$here/autograd/version.h")
check pkg_config_version test "$(pkg-config --modversion retrograd)" = "$version"
check soname sh -c "readelf -d '$root$prefix/lib/libretrograd.so' | grep -F 'libretrograd.so.${version%.*}]'"

flags="-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror $(pkg-config --cflags retrograd)"
shared=$(pkg-config --libs retrograd)
static=$(pkg-config --static --libs retrograd | sed 's/-lretrograd/-l:libretrograd.a/')
check c11_shared $CC -std=c11 $flags -o c11_shared consumer.c $shared -lm
check cpp17_shared g++ -std=c++17 $flags -o cpp17_shared consumer.cc $shared
check c11_static $CC -std=c11 $flags -o c11_static consumer.c $static
check cpp17_static g++ -std=c++17 $flags -o cpp17_static consumer.cc $static
for program in c11_shared cpp17_shared; do
    check ${program}_runs env LD_LIBRARY_PATH="$root$prefix/lib" ./$program
done
for program in c11_static cpp17_static; do
    check ${program}_runs ./$program
done

# Other languages load it into a running program.
cat >load.c <<'END'
#include <dlfcn.h>
#include <stdio.h>
int main(int argc, char **argv)
{
    void *library = argc > 1 ? dlopen(argv[1], RTLD_NOW) : NULL;
    return library && dlsym(library, "ag_tape_new") ? 0 : (puts(dlerror()), 1);
}
END
check load_builds $CC -o load load.c -ldl
check load_runs ./load "$root$prefix/lib/libretrograd.so"

check uninstall build uninstall
check nothing_left test -z "$(find "$root$prefix" -not -type d)"
report
