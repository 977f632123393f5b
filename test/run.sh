#!/bin/sh
# Runs test programs, JOBS at a time, and adds up what cmocka says in them. The last line is the sum.
# usage: BUILD=dir [JOBS=n] [LIMIT=seconds] [RUNNER='valgrind -q'] run.sh program...
# A program that ends without cmocka's summary, or with an exit status that its summary does not explain, is a failure.
# Lines that start with "# " are figures for the reader and are shown.
set -eu
logs=$BUILD/log
mkdir -p "$logs"

if [ "${1:-}" = --one ]; then # what xargs calls
    name=$(basename "$2")
    status=0
    timeout -k 10 "${LIMIT:-900}" ${RUNNER:-} "$2" >"$logs/$name.log" 2>&1 </dev/null || status=$?
    awk -v name="$name" -v status=$status -v sums="$logs/$name.sum" -v log_file="$logs/$name.log" '
        function count(n, what) { return n ? ", " n " " what : "" }
        /^\[  PASSED  \] [0-9]+ test/ { passed += $4; summary = 1 }
        /^\[  FAILED  \] [0-9]+ test/ { failed += $4 }
        /^\[  SKIPPED \] [0-9]+ test/ { skipped += $4 }
        /^# / { shown = shown "    " substr($0, 3) "\n" }
        /^\[  SKIPPED \] [a-zA-Z_]/ && !seen[$4]++ { shown = shown "    skipped: " substr($0, 14) "\n" }
        !/^\[( RUN      |       OK |==========|  PASSED  )\]/ { told[++n] = $0 }
        END {
            if (!summary || (status && !failed)) {
                failed++
                shown = shown "    " (status == 124 ? "ran out of time" : "ended with status " status) \
                    (summary ? "" : " and no summary") "\n"
            }
            if (failed) {
                for (i = 1; i <= n; i++)
                    if (i <= 40 || i > n - 20) shown = shown "    | " told[i] "\n"
                    else if (i == 41) shown = shown "    | ...\n"
                shown = shown "    all of it: " log_file "\n"
            }
            printf "%-4s %s: %d passed%s%s\n%s", failed ? "FAIL" : "ok", name, passed, count(failed, "failed"),
                count(skipped, "skipped"), shown
            print passed + 0, failed + 0, skipped + 0 >sums
        }' "$logs/$name.log"
    exit 0
fi

rm -f "$logs"/*.sum
[ $# = 0 ] || printf '%s\n' "$@" | xargs -P "${JOBS:-1}" -n 1 "$0" --one
for program; do
    cat "$logs/$(basename "$program").sum" 2>/dev/null || echo 0 1 0
done | awk '
    { passed += $1; failed += $2; skipped += $3 }
    END {
        printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
        exit failed > 0 || passed == 0
    }'
