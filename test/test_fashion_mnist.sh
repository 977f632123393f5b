#!/bin/sh
# Runs fashion_mnist on a few hundred real images, on damaged ones, interrupted, and with unusable options. LONG=1 trains it
# in full.
set -eu
. test/report.sh

root=$PWD
case $BUILD in
/*) program=$BUILD/examples/fashion_mnist ;;
*) program=$root/$BUILD/examples/fashion_mnist ;;
esac
work=$BUILD/fashion_mnist.out
data=/usr/share/datasets/fashion-mnist
rm -rf "$work"
mkdir -p "$work/build" # where the drawing goes
cd "$work"
work=$PWD

# ---- options ----
fails_saying() { # status, text, argument...
    status=0 expected=$1 text=$2
    shift 2
    "$program" "$@" >"$work/fails.txt" 2>&1 || status=$?
    cat "$work/fails.txt"
    [ $status = "$expected" ] && grep -qe "$text" "$work/fails.txt"
}
check help fails_saying 0 '--epochs N' --help
check epochs_zero fails_saying 2 "epochs: unusable value '0'" --epochs 0
check epochs_text fails_saying 2 "epochs: unusable value '3x'" --epochs 3x
check batch_negative fails_saying 2 "batch: unusable value '-1'" --batch -1
check lr_infinite fails_saying 2 "lr: unusable value 'inf'" --lr inf
check lr_empty fails_saying 2 "lr: unusable value ''" --lr=
check seed_overflow fails_saying 2 "seed: unusable value '99999999999999999999'" --seed 99999999999999999999
check model_unknown fails_saying 2 "model: unusable value 'lstm'" --model lstm
check optimizer_unknown fails_saying 2 "optimizer: unusable value 'Adam'" --optimizer Adam
check threads_zero fails_saying 2 "threads: unusable value '0'" --threads 0
check option_unknown fails_saying 2 'usage: ' --epoch-count 3
check argument_unknown fails_saying 2 "unknown argument 'data'" data

# ---- data ----
package=dataset-fashion-mnist
check data_absent fails_saying 1 "$package" --data "$work/nowhere"
check data_absent_is_named fails_saying 1 'train-images-idx3-ubyte.gz: No such file' --data "$work/nowhere"

bytes() { # of a big-endian 32-bit number, for printf
    printf '\\%03o\\%03o\\%03o\\%03o' $(($1 >> 24 & 255)) $(($1 >> 16 & 255)) $(($1 >> 8 & 255)) $(($1 & 255))
}
excerpt() { # train or t10k, number of images: into $work/small, plain
    { printf '\000\000\010\003'"$(bytes "$2")$(bytes 28)$(bytes 28)" &&
        gzip -dc "$data/$1-images-idx3-ubyte.gz" | tail -c +17 | head -c $(($2 * 784)); } >"$small/$1-images-idx3-ubyte"
    { printf '\000\000\010\001'"$(bytes "$2")" &&
        gzip -dc "$data/$1-labels-idx1-ubyte.gz" | tail -c +9 | head -c "$2"; } >"$small/$1-labels-idx1-ubyte"
}
trains() { # output file, argument...: an epoch a line, ten kinds, four garments, then the two figures
    out=$1
    shift
    "$program" --data "$small" "$@" >"$out" && cat "$out" && awk '
        length > 80 { wide = 1 }
        /^epoch [0-9]+\/4  loss [0-9.]+  accuracy 0\.[0-9]+  [0-9]+ samples\/s$/ { epochs++ }
        /^  (T-shirt\/top|Trouser|Pullover|Dress|Coat|Sandal|Shirt|Sneaker|Bag|Ankle boot) +[01]\.[0-9][0-9][0-9][0-9]/ {
            kinds++
        }
        /named rightly/ { garments += gsub("named rightly", "") }
        /taken for/ { garments += gsub("taken for", "") }
        /^train loss: [0-9]\.[0-9][0-9][0-9][0-9]$/ { loss = $3; first = NR }
        /^test accuracy: [01]\.[0-9][0-9][0-9][0-9]$/ { share = $3; second = NR }
        END {
            exit !(epochs == 4 && kinds == 10 && garments == 4 && loss > 0.3 && loss < 1.1 && share > 0.6 && !wide &&
                first == NR - 1 && second == NR)
        }' "$out"
}
is_interrupted() { # in the second epoch or later
    "$program" --data "$small" --epochs 1000000 >interrupted.txt &
    while kill -0 $! && ! grep -q '^epoch 1/' interrupted.txt; do sleep 0.02; done
    kill -INT $! && wait $! && cat interrupted.txt &&
        grep -qE '^interrupted in epoch [0-9]+ of 1000000, after [0-9]+ batches$' interrupted.txt &&
        [ "$(tail -n 2 interrupted.txt | grep -cE '^(train loss|test accuracy): [0-9]\.[0-9]{4}$')" = 2 ]
}
draws_a_bar() {
    script -qec "'$program' --data '$small' --epochs 4" typescript >/dev/null && tr '\r' '\n' <typescript | grep -qE \
        '^4/4 \[############\]  loss 0\.[0-9]{4}  accuracy 0\.[0-9]{4}  [0-9]+ samples/s  0 s left.\[K$'
}
figures() { tail -n 2 "$1"; }
agree() { [ "$(figures "$1")" = "$(figures "$2")" ]; }
differ() { [ "$(figures "$1")" != "$(figures "$2")" ]; }

if [ -e $data/train-images-idx3-ubyte.gz ]; then
    small=$work/small
    mkdir -p "$small"
    excerpt train 1510 # the last batch is a part of one
    excerpt t10k 1100
    check trains trains "$work/a.txt" --epochs 4 --seed 7
    check trains_again trains "$work/b.txt" --epochs=4 --seed=7
    check same_seed_same_figures agree "$work/a.txt" "$work/b.txt"
    check another_seed trains "$work/c.txt" --epochs 4 --seed 8
    check adam_is_the_default trains "$work/e.txt" --epochs 4 --seed 7 --optimizer adam --lr 0.001 --batch 64 --model mlp
    check adam_is_the_default agree "$work/a.txt" "$work/e.txt"
    check sgd trains "$work/f.txt" --epochs 4 --seed 7 --optimizer sgd
    check sgd_is_another differ "$work/a.txt" "$work/f.txt"
    check adamw trains "$work/g.txt" --epochs 4 --seed 7 --optimizer adamw
    check adamw_is_another differ "$work/a.txt" "$work/g.txt"
    check threads_change_nothing trains "$work/h.txt" --epochs 4 --seed 7 --threads 3
    check threads_change_nothing agree "$work/a.txt" "$work/h.txt"
    check another_seed_other_figures differ "$work/a.txt" "$work/c.txt"
    gzip -n "$small"/*
    check trains_gzipped trains "$work/d.txt" --epochs 4 --seed 7
    check gzipped_same_figures agree "$work/a.txt" "$work/d.txt"
    check draws_the_loss grep -q '<polyline .*points="60.0,[0-9.]* .* 700.0,[0-9.]* "' build/fashion_mnist.svg
    ln -s /dev/full full
    check saves "$program" --data "$small" --epochs 1 --save model.safetensors
    for name in 1.weight 1.bias 3.weight 3.bias; do check "saves_$name" grep -q "\"$name\":{" model.safetensors; done
    check unwritable_is_told_first fails_saying 1 'save nowhere/m: No such file' --data "$small" --epochs 1 --save nowhere/m
    check unwritable_wastes_no_time sh -c '! grep -q epoch fails.txt'
    check full_disk_is_an_error fails_saying 1 'No space left' --data "$small" --epochs 1 --save full
    check full_disk_loses_no_figures grep -q '^test accuracy: 0' fails.txt
    mv build elsewhere
    check drawing_is_no_condition fails_saying 0 'no drawing.*No such file' --data "$small" --epochs 1
    mv elsewhere build
    check interrupted is_interrupted
    check bar draws_a_bar
    check batch_larger_than_the_set "$program" --data "$small" --batch 5000 --lr 0.05 --epochs 1

    head -c 200000 "$small/t10k-images-idx3-ubyte.gz" >"$work/cut"
    cp "$small/t10k-images-idx3-ubyte.gz" "$work/whole"
    cp "$work/cut" "$small/t10k-images-idx3-ubyte.gz"
    check data_truncated fails_saying 1 't10k-images-idx3-ubyte.gz: truncated' --data "$small"
    check data_truncated_names_the_package fails_saying 1 "$package" --data "$small"
    cp "$work/whole" "$small/t10k-images-idx3-ubyte.gz"
    cp "$small/train-labels-idx1-ubyte.gz" "$small/t10k-labels-idx1-ubyte.gz"
    check data_disagrees fails_saying 1 '1100 images but 1510 labels' --data "$small"
else
    skip fashion_mnist "no $data"
fi

# ---- in full, beside PyTorch's means at equal settings ----
# The accuracy of single runs has a standard deviation of 0.012, so that a mean of three says little; 24 are checked.
reaches() { # optimizer, loss, accuracy
    for seed in $(seq 24); do "$program" --epochs 3 --optimizer "$1" --seed "$seed" || return; done >full.txt
    awk -v optimizer="$1" -v expected_loss="$2" -v expected_share="$3" '
        function near(a, b, far) { return a - b < far && b - a < far }
        /^train loss:/ { loss += $3 }
        /^test accuracy:/ {
            share += $3
            if (++runs == 3 || runs == 24)
                printf "# %s, seeds 1 to %d: train loss %.4f, test accuracy %.4f\n", optimizer, runs, loss / runs,
                    share / runs >>figures
        }
        END { exit !(near(loss / 24, expected_loss, 0.01) && near(share / 24, expected_share, 0.008)) }
        ' figures=figures.txt full.txt
}
if [ -n "${LONG:-}" ]; then
    if [ -e $data/train-images-idx3-ubyte.gz ]; then
        check adam_in_full reaches adam 0.360 0.863
        check sgd_in_full reaches sgd 0.394 0.845
        cat figures.txt
    else
        skip in_full "no $data"
    fi
fi
report
