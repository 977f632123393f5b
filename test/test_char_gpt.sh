#!/bin/sh
# Runs char_gpt on a small text: what it learns and writes, the same figures from the same seed, interrupted, and with
# unusable options.
set -eu
. test/report.sh

program=$BUILD/examples/char_gpt
work=$BUILD/char_gpt.out
rm -rf "$work"
mkdir -p "$work"

# ---- options ----
fails_saying() { # status, text, argument...
    status=0 expected=$1 text=$2
    shift 2
    "$program" "$@" >"$work/fails.txt" 2>&1 || status=$?
    cat "$work/fails.txt"
    [ $status = "$expected" ] && grep -qe "$text" "$work/fails.txt"
}
echo 'so short' >"$work/short.txt"
check help fails_saying 0 '--context N' --help
check no_file fails_saying 2 'usage: '
check two_files fails_saying 2 'usage: ' a b
check layers_zero fails_saying 2 "layers: unusable value '0'" --layers 0 README.md
check lr_text fails_saying 2 "lr: unusable value 'fast'" --lr fast README.md
check option_unknown fails_saying 2 'usage: ' --depth 3 README.md
check heads_and_width fails_saying 1 '3 heads cannot share a width of 32' --heads 3 --width 32 README.md
check file_absent fails_saying 1 'No such file' "$work/nowhere"
check file_short fails_saying 1 '9 characters are too few for a context of 128' "$work/short.txt"

# ---- learning: four sentences in a random-looking order, of which the first letter tells the rest ----
awk 'BEGIN {
    split("the tape owns it;every rule reads like the textbook;nobody frees an intermediate;all of it at once", s, ";")
    for (i = 0; i < 300; i++) { x = (x * 1103515245 + 12345) % 2147483648; printf "%s.\n", s[1 + int(x / 65536) % 4] }
}' >"$work/text.txt"
small() { "$program" --layers 2 --heads 2 --width 32 --context 32 --steps 250 --batch 8 --lr 0.01 "$@"; }
learns() { # output file, argument...
    out=$1
    shift
    small --sample 200 "$@" "$work/text.txt" >"$out" && cat "$out" && awk '
        NR == 1 { first = /^[0-9]+ characters, 25 kinds; [0-9]+ parameters$/ }
        /^step [0-9]+\/250  loss [0-9.]+  validation [0-9.]+  [0-9]+ characters\/s$/ { steps++; if (steps == 1) before = $6 }
        /^validation loss: [0-9.]+$/ { after = $3; last = NR }
        { wrote += gsub(/the tape owns it|every rule reads like the textbook|nobody frees an intermediate|all of it at once/, "") }
        END { exit !(first && steps == 10 && before > 0.5 && after < 0.2 && wrote >= 4 && last == NR) }' "$out"
}
without_speed() { sed 's/  [0-9]* characters\/s$//' "$1"; }
agree() { [ "$(without_speed "$1")" = "$(without_speed "$2")" ]; }
differ() { ! agree "$1" "$2"; }
check learns learns "$work/a.txt" --seed 3 --threads 1
check learns_again learns "$work/b.txt" --seed 3 --threads 2
check same_seed_same_text agree "$work/a.txt" "$work/b.txt"
check another_seed learns "$work/c.txt" --seed 4
check another_seed_another_text differ "$work/a.txt" "$work/c.txt"

# ---- Ctrl-C ----
interrupted() {
    "$program" --layers 1 --heads 1 --width 16 --context 16 --steps 1000000000 --sample 10 "$work/text.txt" \
        >"$work/interrupted.txt" 2>&1 &
    child=$!
    sleep 0.5
    kill -INT $child
    wait $child && cat "$work/interrupted.txt" && grep -q '^interrupted$' "$work/interrupted.txt" &&
        tail -n 1 "$work/interrupted.txt" | grep -q '^validation loss: '
}
check interrupted interrupted
report
