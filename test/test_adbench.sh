#!/bin/sh
# Runs ADBench's problems on small ones of each kind, whose values and derivatives test/golden/adbench/make.py made; and
# with golden values that are wrong, files that cannot be read, and nothing at all.
set -eu
. test/report.sh

program=$BUILD/bench/adbench/adbench
work=$BUILD/adbench.out
rm -rf "$work"
mkdir -p "$work"

run() { # status, folder
    status=0
    "$program" "$2" 1 >"$work/out.txt" 2>"$work/err.txt" || status=$?
    cat "$work/out.txt" "$work/err.txt"
    [ $status = "$1" ]
}
copy() { rm -rf "$work/data" && cp -r test/golden/adbench "$work/data"; }

# A line for each file and one for each way, in this order and form; golden values meet but in the case that is drawn.
lines() {
    run 0 test/golden/adbench && awk '
        BEGIN { n = split("gmm_d3_K2 gmm_test gmm_d64_K5_drawn lstm_l2_c5 ba7 ba_test hand3", name, " ") }
        {
            one = NR % 2 == 0
            if (one && $1 != "perop:") bad = 1
            if (one) sub(/^perop: /, "")
            if (NF != 6 || $1 != name[int((NR + 1) / 2)] || !($2 > 0 && $3 > 0 && $4 > 0 && $5 > 0)) bad = 1
            if ($3 > 0.1 && ($3 / $2 / $4 > 1.1 || $3 / $2 / $4 < 0.9)) bad = 1
            if ($1 ~ /drawn/ ? $6 != "-" : !($6 ~ /^[0-9.e+-]+$/ && $6 + 0 < 1e-11)) bad = 1
            if (bad) { print "line " NR ": " $0; exit 1 }
        }
        END { exit bad || NR != 2 * n }' "$work/out.txt"
}
check lines_and_golden_values lines

# A golden value that is off by 1e-8 is a miss, in whatever place; other lines stay as they were.
misses() { # golden file, name of the line, line of the file, word
    copy
    awk -v line="$3" -v word="$4" 'NR == line { $word = sprintf("%.17g", $word * (1 + 1e-8)) } { print }' \
        "test/golden/adbench/golden/$1" >"$work/data/golden/$1"
    run 1 "$work/data" && awk -v name="$2" '
        { sub(/^perop: /, "") }
        $1 == name && $6 > 1e-9 { seen++ }
        $1 != name && $6 > 1e-9 { wrong = 1 }
        END { exit seen != 2 || wrong }' "$work/out.txt"
}
check miss_of_a_value misses gmm_d3_K2.txt gmm_d3_K2 2 1
check miss_of_the_last_derivative misses gmm_test.txt gmm_test 8 1
check miss_of_lstm misses lstm_l2_c5.txt lstm_l2_c5 40 1
check miss_of_the_weights_derivative misses ba_test_block0.txt ba_test 5 1
check miss_of_hand misses hand_simple_small_hand3.txt hand3 3 3

# Files that cannot be read: status 2 and where.
refuses() { # file, text of the message, sed script
    copy
    sed "$3" "test/golden/adbench/$1" >"$work/data/$1"
    run 2 "$work/data" && grep -q "^adbench: .*$1: line [0-9]*: $2" "$work/err.txt"
}
check gmm_too_short refuses gmm/gmm_d3_K2.txt 'it ends here' '$d'
check gmm_no_number refuses gmm/gmm_d3_K2.txt 'not a number' '3s/0/x/'
check gmm_bad_size refuses gmm/gmm_d3_K2.txt 'unusable whole number' '1s/3/0/'
check gmm_too_long refuses gmm/test.txt 'more than there should be' '$s/$/ 1/'
check lstm_nan refuses lstm/lstm_l2_c5.txt 'not a number' '4s/^[^ ]*/nan/'
check ba_half_a_camera refuses ba/test.txt 'unusable whole number' '1s/1/1.5/'
check hand_no_such_vertex refuses hand/simple_small/hand3_t26_c4.txt 'unusable whole number' '2s/^[0-9]*/7/'
check hand_later_parent refuses hand/model/bones.txt 'unusable whole number' '2s/:0:/:1:/'
check hand_not_affine refuses hand/model/bones.txt 'not an affine transform' '1s/0.0:1.0/0.0:2.0/'
check golden_of_another_size refuses golden/gmm_test.txt 'of another size' '1s/.*/7/'
check golden_too_short refuses golden/lstm_l2_c5.txt 'it ends here' '$d'

# An absent or empty folder is nothing to complain about.
nothing() { # folder
    run 0 "$1" && [ "$(wc -l <"$work/out.txt")" = 2 ] && ! grep -v gmm_d64_K5_drawn "$work/out.txt"
}
mkdir -p "$work/none/gmm"
check empty_folders nothing "$work/none"
check no_folder nothing "$work/nowhere"
without_argument() {
    status=0
    "$program" >"$work/out.txt" 2>"$work/err.txt" || status=$?
    [ $status = 2 ] && grep -q '^usage: ' "$work/err.txt"
}
check usage without_argument
report
