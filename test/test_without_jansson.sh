#!/bin/sh
# A library built without jansson says so when it is to save or load safetensors; .npy and everything else work.
set -eu
. test/report.sh

case ${MODE:-release} in
san) sanitizers=-fsanitize=address,undefined ;;
tsan) sanitizers=-fsanitize=thread ;;
*) sanitizers= ;;
esac
work=$BUILD/without_jansson
rm -rf "$work"
mkdir -p "$work"

cat >"$work/program.c" <<'END'
#include <autograd/autograd.h>
#include <string.h>

static int missing(ag_status status)
{
    int is = status == AG_EMISSING && strstr(ag_errmsg(), "without jansson");
    if (!is) printf("%s: %s\n", ag_status_text(status), ag_errmsg());
    ag_clear_error();
    return is;
}

int main(int argc, char **argv)
{
    if (argc != 3) return 2;
    ag_tensor *w = ag_param(AG_F32, 3);
    int good = missing(ag_save(argv[1], AG_PARAMS({ "w", w })));
    good &= ag_write_npy(argv[2], ag_fill(w, 2)) == AG_OK;
    good &= missing(ag_load(argv[2], AG_PARAMS({ "w", w })));
    good &= !ag_file_open(argv[2]) && missing(ag_error());
    ag_tensor *x = ag_read_npy(argv[2]);
    good &= x && ag_at(x, 2) == 2;
    ag_free(w), ag_free(x);
    return !good;
}
END

# The one file that knows jansson, compiled without it, comes before the library that has it.
builds() {
    ${CC:-cc} -std=c11 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror $sanitizers -I. -o "$work/program" \
        "$work/program.c" autograd/io/header.c "$BUILD/libretrograd.a" $(echo "$LIBS" | sed "s/-ljansson//") -lm -pthread
}
check builds_without_jansson builds
check says_what_is_missing "$work/program" "$work/x.safetensors" "$work/x.npy"
check leaves_no_file test "$(ls "$work")" = "$(printf 'program\nprogram.c\nx.npy')"
report
