# report.sh - for tests that are scripts: counts checks and reports them in cmocka's words. Sourced.
# The last command of a test is `report`, whose status is that of the test.

passed=0 failed=0 skipped=

# check NAME COMMAND...: COMMAND must succeed. What it prints is shown when it does not.
check() {
    name=$1
    shift
    if output=$("$@" 2>&1); then
        passed=$((passed + 1))
        echo "[       OK ] $name"
    else
        failed=$((failed + 1))
        echo "$output"
        echo "[  FAILED  ] $name"
    fi
}

# skip NAME WHY
skip() {
    skipped="$skipped $1"
    echo "[  SKIPPED ] $1: $2"
}

report() {
    echo "[  PASSED  ] $passed test(s)."
    [ -z "$skipped" ] || echo "[  SKIPPED ] $(echo "$skipped" | wc -w) test(s), listed above"
    [ $failed = 0 ] || echo "[  FAILED  ] $failed test(s), listed above"
    [ $failed = 0 ]
}

# same EXPECTED FILE: are they equal; shows how they differ.
same() {
    diff -u "$1" "$2"
}
