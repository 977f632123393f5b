#!/bin/sh
# Runs every example but fashion_mnist and char_gpt, which have tests of their own: the small ones against what they must
# print, the seed programs against PyTorch's losses, the rest against figures known from elsewhere. LONG=1 trains in full.
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

# ---- regression: both methods against the same fits by NumPy ----
regression_agrees() {
    "$programs/regression" >"$work/regression.txt" && awk '
        function near(a, b, limit) { return a - b <= limit && b - a <= limit }
        BEGIN {
            split("-17.57909489 -17.57909489 15.04290165 15.04290165", intercept, " ")
            split("3.93240876 3.93240876 -0.23216274 -0.23216274", slope, " ")
        }
        /^  / {
            rows++
            if (!near($(NF - 1), intercept[rows], 2e-8) || !near($NF, slope[rows], 2e-8)) { bad = 1; print }
        }
        END { exit bad || rows != 4 }' "$work/regression.txt"
}
check regression regression_agrees

# near VALUE EXPECTED LIMIT: shows and compares them.
near() {
    echo "$1, expected $2 +- $3"
    awk -v a="$1" -v b="$2" -v limit="$3" 'BEGIN { exit !(a - b <= limit && b - a <= limit) }'
}

# ---- solvers: the known minimum; the fit and its errors in the literature; the same fit by PyTorch ----
newton_converges() {
    "$programs/newton" >"$work/newton.txt" && cat "$work/newton.txt" &&
        [ "$(grep '^at' "$work/newton.txt")" = 'at [1. 1. 1. 1. 1. 1. 1. 1. 1. 1.]' ] &&
        awk '/gradient/ { steps++; last = $NF } END { exit !(steps <= 12 && last < 1e-10) }' "$work/newton.txt"
}
logistic_by_scalars_agrees() {
    "$programs/logistic_by_scalars" >"$work/logistic_by_scalars.txt" && cat "$work/logistic_by_scalars.txt"
    figure() { awk -v name="$1" -v field="$2" '$1 == name { print $field }' "$work/logistic_by_scalars.txt"; }
    near "$(figure intercept 2)" 15.04290 0.00002 && near "$(figure intercept 4)" 7.37864 0.00002 &&
        near "$(figure slope 2)" -0.23216 0.00002 && near "$(figure slope 4)" 0.10824 0.00002
}
lotka_volterra_agrees() {
    "$programs/lotka_volterra" >"$work/lotka_volterra.txt" && cat "$work/lotka_volterra.txt"
    figure() { awk -v name="$1" '$1 == name { print $2 }' "$work/lotka_volterra.txt"; }
    near "$(figure birth)" 0.540159 0.00001 && near "$(figure hunt)" 0.0271654 0.000001 &&
        near "$(figure growth)" 0.0236946 0.000001 && near "$(figure death)" 0.796386 0.00001 &&
        near "$(figure hares)" 34.6024 0.001 && near "$(figure lynxes)" 5.84451 0.0001 &&
        [ "$(figure memory)" -lt 300 ] # a recording of all steps takes 20,000 KB
}
# Half a pixel of uniform noise is 0.289, of which 261 of 960 dimensions are fitted: 0.246 is left.
bundle_adjustment_converges() {
    "$programs/bundle_adjustment" >"$work/bundle_adjustment.txt" && cat "$work/bundle_adjustment.txt" &&
        grep -qE '^960 residuals, 268 unknowns, 12480 derivatives in 1[34] directions' "$work/bundle_adjustment.txt" &&
        near "$(awk '/error/ { last = $3 } END { print last }' "$work/bundle_adjustment.txt")" 0.246 0.004
}
check newton newton_converges
check bundle_adjustment bundle_adjustment_converges
check logistic_by_scalars logistic_by_scalars_agrees
check lotka_volterra lotka_volterra_agrees

# ---- two_moons: figures of the same training in NumPy, f64, from the same initial values, points and order; each class
# is drawn in its region ----
two_moons() { "$programs/two_moons" --svg "$work/two_moons.svg" >"$work/two_moons.txt"; }
moons_are_learned_as_by_numpy() {
    figure() { awk -v name="$1" '$0 ~ "^" name { print $NF }' "$work/two_moons.txt"; }
    near "$(figure 'epoch 10')" 0.0422 0.0010 && near "$(figure 'epoch 20')" 0.0066 0.0003 &&
        near "$(figure 'epoch 30')" 0.0047 0.0003 && near "$(figure 'test accuracy')" 0.996 0.004
}
# The next character to the right of a point that is no point is of the region around it.
map_shows_points_in_their_regions() {
    cat "$work/two_moons.txt" && awk '
        /^[ .ox]+$/ {
            rows++
            if (length($0) != 64) bad = 1
            gsub(/o+/, "o"); gsub(/x+/, "x")
            o_right += gsub(/o /, "&"); o_wrong += gsub(/o\./, "&")
            x_right += gsub(/x\./, "&"); x_wrong += gsub(/x /, "&")
        }
        END {
            exit bad || rows != 20 || o_right < 20 || x_right < 20 || o_wrong > o_right / 10 || x_wrong > x_right / 10
        }' "$work/two_moons.txt"
}
svg_is_whole() {
    count() { grep -c "$1" "$work/two_moons.svg"; }
    [ "$(count 'circle.*#c2410c')" = 250 ] && [ "$(count 'circle.*#1d4ed8')" = 250 ] &&
        [ "$(count fill-opacity)" -gt 100 ] && [ "$(tail -n 1 "$work/two_moons.svg")" = '</svg>' ]
}
svg_elsewhere_is_refused() {
    ! "$programs/two_moons" --svg "$work/none/a.svg" >"$work/out.txt" 2>&1 &&
        grep -q "cannot write $work/none/a.svg: No such file" "$work/out.txt"
}
check two_moons two_moons
check moons_are_learned_as_by_numpy moons_are_learned_as_by_numpy
check map_shows_points_in_their_regions map_shows_points_in_their_regions
check svg_is_whole svg_is_whole
check svg_elsewhere_is_refused svg_elsewhere_is_refused

# ---- network_by_hand: two epochs beside the same training in NumPy, f64, from the same initial values and order ----
data=/usr/share/datasets/fashion-mnist
refused() { # status, text, argument...
    status=0 expected=$1 text=$2
    shift 2
    "$programs/network_by_hand" "$@" >"$work/network_by_hand.txt" 2>&1 || status=$?
    cat "$work/network_by_hand.txt"
    [ $status = "$expected" ] && grep -q "$text" "$work/network_by_hand.txt"
}
by_hand_learns_as_by_numpy() {
    "$programs/network_by_hand" --seed 0 --epochs 2 >"$work/network_by_hand.txt"
    figure() { awk -v epoch="$1" -v field="$2" '$2 == epoch { print $field }' "$work/network_by_hand.txt"; }
    near "$(figure 1 4)" 1.9476 0.0005 && near "$(figure 1 7)" 0.5797 0.002 &&
        near "$(figure 2 4)" 1.3675 0.0005 && near "$(figure 2 7)" 0.6420 0.002
}
# PyTorch, seeds 0 to 5: .785 .757 .777 .790 .790 .784
by_hand_reaches_the_known_accuracy() {
    for seed in 0 1 2 3 4; do
        "$programs/network_by_hand" --seed $seed || return
    done >"$work/five.txt"
    share=$(awk '$2 == 10 { sum += $7 } END { print sum / 5 }' "$work/five.txt")
    echo "# network_by_hand, seeds 0 to 4, 10 epochs: mean test accuracy $share" >"$work/figures.txt"
    near "$share" 0.79 0.02
}
check by_hand_epochs_text refused 2 usage: --epochs 3x
check by_hand_value_missing refused 2 usage: --seed
check by_hand_option_unknown refused 2 usage: --rate 3
check by_hand_data_absent refused 1 dataset-fashion-mnist --data "$work/none"
if [ -e $data/train-images-idx3-ubyte.gz ]; then
    check by_hand_learns_as_by_numpy by_hand_learns_as_by_numpy
    if [ -n "${LONG:-}" ]; then
        check by_hand_reaches_the_known_accuracy by_hand_reaches_the_known_accuracy
        cat "$work/figures.txt"
    fi
else
    skip network_by_hand "no $data"
fi

every_example_is_tested() {
    for file in $(grep -lE '^int main\(' examples/*.c examples/*/*.c); do
        name=$(basename "$file" .c)
        [ $name = fashion_mnist ] || [ $name = char_gpt ] || [ -e "$work/$name.txt" ] || { echo "$file: not run" && return 1; }
    done
}
check every_example_is_tested every_example_is_tested

report
