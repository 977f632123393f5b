#!/bin/sh
# Every operation rejects what it should in at least three ways, by messages that begin with its name: what the test_misuse
# programs print about themselves, counted by operations.
set -eu
. test/report.sh

work=$BUILD/misuse
mkdir -p "$work"
: >"$work/messages"
for source in test/test_misuse*.c; do
    program=$BUILD/test/$(basename "$source" .c)
    [ -x "$program" ] || { skip table "$program is not built" && report && exit; }
    MISUSE_LIST=1 "$program" 2>/dev/null | sed -n 's/^misuse: //p' >>"$work/messages"
done
sed -n 's/^AG__ROW(\(.*\))$/\1/p' autograd/ops/rows.inc >"$work/operations"
awk 'NR == FNR { sub(/^ag_/, ""); sub(/[: ].*/, ""); sub(/_keep$/, ""); n[$0]++; next } { print n[$0] + 0, $0 }' \
    "$work/messages" "$work/operations" >"$work/counts"
awk '$1 < 3 { print "ag_" $2 ": " $1 " ways" }' "$work/counts" | tee "$work/few"
check three_for_each test ! -s "$work/few"
total=$(wc -l <"$work/messages")
check three_hundred test "$total" -ge 300
echo "# $total misuses of $(wc -l <"$work/operations") operations, the fewest $(sort -n "$work/counts" | head -n 1)"
report
