#!/bin/sh
# What a program of scalars alone gains by the static library with sections that nobody needs left out, and the size of
# the shared one.
set -eu
. test/report.sh

case $(basename "$BUILD") in
*-release-*) ;;
*) skip size "of release builds only" && report; exit ;;
esac

work=$BUILD/size
rm -rf "$work" && mkdir -p "$work"

# built NAME: the stripped size of $work/NAME.c linked with the library.
built() {
    $CC -std=c11 -O2 -I. -Wl,--gc-sections -s -o "$work/$1" "$work/$1.c" "$BUILD/libretrograd.a" $LIBS -lm -pthread
    wc -c <"$work/$1"
}
cat >"$work/nothing.c" <<'END'
int main(void)
{
    return 0;
}
END
cat >"$work/gradient.c" <<'END'
#include <autograd/autograd.h>
int main(void)
{
    ag_tape *tape = ag_tape_new();
    ag_scalar x = ag_input(2.0), y = ag_mul(ag_square(x), ag_sin(x));
    ag_backward(y);
    double slope = ag_adjoint(x);
    ag_tape_free(tape);
    return slope == 0;
}
END
sed 's/slope == 0/ag_grad(ag_grad(y, x), x).value == 0/; s/ag_tape_free(tape);//' "$work/gradient.c" >"$work/curvature.c"

nothing=$(built nothing)
for program in gradient curvature; do
    size=$(built $program)
    check ${program}_runs "$work/$program"
    check $program test $((size - nothing)) -le 65536
    echo "# $program: $((size - nothing)) bytes more than an empty program"
done
cp "$BUILD/libretrograd.so" "$work/shared.so" && strip "$work/shared.so"
shared=$(wc -c <"$work/shared.so")
check shared_library test "$shared" -le 2097152
echo "# libretrograd.so: $shared bytes"
report
