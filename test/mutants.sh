#!/bin/sh
# Do the tests find faults in the derivatives? Called by `make mutants`.
#
# First those that test/mutants.c plants while it runs, then those of test/mutants/source.txt, planted in the text: each
# compiles the changed file only, links it before the library and runs its tests until one fails. A fault that does not
# apply or does not compile counts as not found. The last line is `mutants: found/planted`.
#
# BUILD: objects and library; COMPILE, KERNEL: the compiler with its flags, and those of kernels; LIBS: what the library
# is linked with; JOBS: at a time.
list=test/mutants/source.txt
work=$BUILD/mutants
export BUILD COMPILE KERNEL LIBS AG_ARCH=generic

compile() { # directory, source: the object's name
    object=$1/$(echo "$2" | tr / -).o
    source=$2
    [ -f "$1/$2" ] && source=$1/$2
    case $2 in autograd/kernels/*) kernel=$KERNEL ;; *) kernel= ;; esac
    # shellcheck disable=SC2086
    set -- "$1" $COMPILE $kernel
    directory=$1 compiler=$2
    shift 2
    "$compiler" "-I$directory" "$@" -w -g0 -O1 -c -o "$object" "$source" && echo "$object"
}

plant() { # number, files, tests, sed script
    dir=$work/$1 changed=${2%%:*} compiled=${2#*:}
    mkdir -p "$dir/$(dirname "$changed")"
    sed -E "$4" "$changed" >"$dir/$changed"
    if cmp -s "$changed" "$dir/$changed"; then
        echo "not caught: $changed: $4 (does not apply)"
        return
    fi
    objects=
    for source in $(echo "$compiled" | tr , ' '); do
        objects="$objects $(compile "$dir" "$source" 2>"$dir/errors")" || {
            echo "not caught: $changed: $4 (does not compile)"
            return
        }
    done
    for test in $(echo "$3" | tr , ' '); do
        # shellcheck disable=SC2086
        ${COMPILE%% *} -o "$dir/test" "$BUILD/test/$test.o" $objects "$BUILD/test/parts.a" "$BUILD/libretrograd.a" \
            -Wl,--as-needed -lcmocka -ljansson -lz $LIBS -lm -pthread 2>"$dir/errors" || {
            echo "not caught: $changed: $4 (does not link)"
            return
        }
        timeout 120 "$dir/test" >"$dir/log" 2>&1 || {
            rm -f "$dir/test"
            echo "caught"
            return
        }
    done
    echo "not caught: $changed: $4"
}

if [ "${1-}" = one ]; then
    line=$(sed -n "$2p" $list)
    files=${line%% *} rest=${line#* }
    tests=${rest%% *} script=${rest#* }
    plant "$2" "$files" "$tests" "$script"
    exit
fi

rm -rf "$work" && mkdir -p "$work" || exit 1
for test in test_ops test_bridge test_block; do
    "$BUILD/test/$test" >"$work/log" 2>&1 || { echo "$test fails without any fault" && exit 1; }
done
"$BUILD/test/mutants" | tee "$work/runtime"
grep -n '^autograd/' $list | cut -d: -f1 | xargs -P "${JOBS:-1}" -n 1 test/mutants.sh one >"$work/source"
grep -v '^caught' "$work/source"
runtime=$(sed -n '$s/.* //p' "$work/runtime")
found=$((${runtime%/*} + $(grep -c '^caught' "$work/source")))
planted=$((${runtime#*/} + $(grep -c '^autograd/' $list)))
echo "$(grep -c '^autograd/' $list) in the source text"
echo "mutants: $found/$planted"
[ "$found" -eq "$planted" ]
