#!/bin/sh
# Runs every example but fashion_mnist, which has a test of its own: the small ones against what they must print, the
# seed programs against PyTorch's losses.
set -eu
. test/report.sh

programs=$BUILD/examples
work=$BUILD/examples.out
rm -rf "$work"
mkdir -p "$work"

# ---- short programs ----
prints() { # name
    "$programs/$1" >"$work/$1.txt" && same "test/golden/examples/$1.txt" "$work/$1.txt"
}
for file in test/golden/examples/*.txt; do
    name=$(basename "$file" .txt)
    check "$name" prints "$name"
done

# ---- seed programs: equal to 1e-12, XOR's last epoch to 1e-10, and nothing but these epochs unless each is printed ----
follows_its_trace() { # name
    "$programs/seeds/$1" >"$work/$1.txt" &&
        awk -v name="$1" '
            FILENAME ~ /golden/ { if ($1 == name) { expected[$2] = $3; left++ } next }
            { lines++ }
            $1 in expected {
                limit = $1 == 10000 ? 1e-10 : 1e-12
                error = $2 / expected[$1] - 1
                left--
                if (!(error <= limit && error >= -limit)) { bad = 1; print name " epoch " $0 ", not " expected[$1] }
            }
            END {
                if (left) print name ": " left " epochs missing"
                if (lines != count[name]) print name ": " lines " lines"
                exit bad || left || lines != count[name]
            }
            BEGIN {
                count["sigmoid_221"] = count["logistic_regression"] = 5
                count["xor_231_relu"] = 6
                count["single_sigmoid"] = 1001
            }' test/golden/seeds.txt "$work/$1.txt"
}
for name in sigmoid_221 logistic_regression xor_231_relu single_sigmoid; do
    check "seeds/$name" follows_its_trace $name
done

every_example_is_tested() {
    for file in $(grep -lE '^int main\(' examples/*.c examples/*/*.c); do
        name=$(basename "$file" .c)
        [ $name = fashion_mnist ] || [ -e "$work/$name.txt" ] || { echo "$file: not run" && return 1; }
    done
}
check every_example_is_tested every_example_is_tested

report
