#!/bin/sh
# Takes each ```c block out of README.md, compiles it as a reader would, with warnings as errors, runs it and compares what
# it prints with the ```text block that follows it. Every C block must be a whole program and must be followed by one.
set -eu
. test/report.sh

case ${MODE:-release} in
san) sanitizers=-fsanitize=address,undefined ;;
tsan) sanitizers=-fsanitize=thread ;;
*) sanitizers= ;;
esac
work=$BUILD/readme
rm -rf "$work"
mkdir -p "$work"

awk -v work="$work" '
    /^```/ && into { close(into); into = ""; next }
    /^```c$/ { into = sprintf("%s/%d.c", work, ++programs); next }
    /^```text$/ { into = sprintf("%s/%d.txt", work, programs); next }
    into { print >into }' README.md

works() { # number
    ${CC:-cc} -std=c11 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror $sanitizers -I. -o "$work/$1" "$work/$1.c" \
        "$BUILD/libretrograd.a" ${LIBS:-} -lm -pthread &&
        (cd "$work" && "./$1" >"$1.out" && diff -u "$1.txt" "$1.out")
}

# What the text names must be there.
links_lead_somewhere() {
    broken=$(grep -o ']([^)]*)' README.md | sed 's/^](//; s/)$//' | while read -r target; do
        [ -e "$target" ] || echo "README.md: no $target"
    done)
    echo "$broken"
    [ -z "$broken" ]
}
names_are_declared() {
    unknown=$(grep -oE '\bags?_[a-zA-Z0-9_]+' README.md | sort -u | while read -r name; do
        grep -qw "$name" autograd/*.h nn/*.h optim/*.h || grep -qw "$name" "$work"/*.c || echo "README.md: no $name in the headers"
    done)
    echo "$unknown"
    [ -z "$unknown" ]
}
targets_exist() {
    unknown=$(grep -oE '(`|    )make [a-z -]+' README.md | sed 's/.*make//' | tr ' ' '\n' | grep -v '^$' | sort -u |
        while read -r goal; do
            grep -qE "^([a-z-]+ )*$goal( [a-z-]+)*:" Makefile || echo "README.md: no goal $goal in the Makefile"
        done)
    echo "$unknown"
    [ -z "$unknown" ]
}

programs=$(ls "$work" | grep -c '\.c$')
check at_least_three_programs test "$programs" -ge 3
i=1
while [ $i -le "$programs" ]; do
    check "program_$i" works $i
    i=$((i + 1))
done
check links links_lead_somewhere
check names names_are_declared
check make_goals targets_exist
report
