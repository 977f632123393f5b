#!/bin/sh
# The rules of the house. One line for each; a broken one says where. Exit status 1 if one is broken.
# usage: lint.sh BUILD_DIRECTORY COMPILER_WARNINGS, from the root
set -eu
build=$1 warnings=$2
work=$build/lint
rm -rf "$work"
mkdir -p "$work"

# Reads findings, one a line; none means the rule holds.
verdict() {
    findings=$(cat)
    if [ -z "$findings" ]; then
        echo "ok      $1"
    else
        echo "BROKEN  $1"
        echo "$findings" | sed 's/^/        /'
        touch "$work/broken"
    fi
}
present() { command -v "$1" >/dev/null; }
files() { find "$@" -type f 2>/dev/null | sort; }

library=$(files autograd nn optim | grep '\.[ch]$')
code=$(files autograd nn optim test bench examples | grep '\.[ch]$\|\.cc$')
texts="$code $(files .ci autograd test bench examples | grep '\.\(sh\|awk\|def\|inc\|py\)$\|^\.ci/') Makefile README.md CHANGELOG.md"
texts=$(ls $texts 2>/dev/null || :)
public=$(ls autograd/*.h nn/*.h optim/*.h 2>/dev/null || :)

# 1. Who includes whom: FILE:LINE:HEADER.
grep -Hno '^ *# *include *[<"][^>"]*' $library | sed 's/: *# *include *[<"]/:/' >"$work/includes"
awk -F: '
    BEGIN {
        n = split("base kernels tensor tape ops diff io", floors, " ")
        for (i = 1; i <= n; i++) floor_of[floors[i]] = i
        # Public headers speak of tensors, but for these.
        split("base error threads version", low, " "); for (i in low) public_floor["autograd/" low[i] ".h"] = 1
        public_floor["autograd/elementary.h"] = 2
    }
    function say(why) { print $1 ":" $2 ": includes " $3 ": " why }
    {
        from = split($1, a, "/"); to = split($3, b, "/")
        if ($3 ~ /^ut(hash|list|array|string|ringbuffer|stack)\.h$/) {
            if (wrapper == "") wrapper = $1
            if ($1 != wrapper) say("only " wrapper " wraps uthash")
        }
        if (b[1] !~ /^(autograd|nn|optim|test|bench|examples)$/) next
        if (b[1] ~ /^(test|bench|examples)$/) { say("a library does not know its users"); next }
        if (a[1] != b[1] && b[1] != "autograd") { say(a[1] " does not know " b[1]); next }
        if (a[1] != b[1] && to > 2) { say("a private header"); next }
        if (a[1] != "autograd") next
        if (from == 2) { if (to > 2) say("a public header includes a private one"); next }
        mine = floor_of[a[2]]
        theirs = to > 2 ? floor_of[b[2]] : $3 in public_floor ? public_floor[$3] : floor_of["tensor"]
        if (!mine || !theirs) say("no such floor")
        else if (theirs > mine) say("a higher floor")
    }' "$work/includes" >"$work/upwards"
{
    cat "$work/upwards"
    grep -Hn '^ *# *include *"' $library | sed 's/$/: spelled <autograd\/...>/'
} | verdict "includes point downwards"

# 2. Library code, with comments and strings blanked. Lines keep their numbers.
for f in $library; do
    awk -v name="$f" '
        {
            line = $0; out = ""
            while (line != "") {
                if (comment) {
                    i = index(line, "*/")
                    if (!i) { line = ""; break }
                    comment = 0; line = substr(line, i + 2)
                } else if (match(line, /\/\*|\/\/|"([^"\\]|\\.)*"|'\''([^'\''\\]|\\.)*'\''/)) {
                    out = out substr(line, 1, RSTART - 1) " "
                    c = substr(line, RSTART, 2)
                    line = c == "//" ? "" : substr(line, RSTART + (c == "/*" ? 2 : RLENGTH))
                    comment = c == "/*"
                } else { out = out line; line = "" }
            }
            print name ":" NR ":" out
        }' "$f"
done >"$work/code"
word='\(^\|[^A-Za-z0-9_.>]\)'
{
    grep "$word"'\(v\?printf\|puts\|putchar\|perror\|v\?sprintf\|st[rp]n\?cpy\|strn\?cat\|ato[ifl]\|atoll\|alloca\|gets\|strtok\|exit\|_exit\|abort\|system\|setjmp\|longjmp\) *(' "$work/code"
    grep "^[^:]*\.c:.*$word"'std\(out\|err\)\>' "$work/code"
    grep "$word"'\(malloc\|calloc\|realloc\|reallocarray\|aligned_alloc\|posix_memalign\|strdup\|free\) *(' "$work/code" |
        grep -v '^autograd/base/\|^nn/memory\.c:'
} | sed 's/  */ /g' | verdict "no banned function (printing, ending, unbounded copies, memory outside base/ and nn/memory.c)"

# 3.
nm -D --defined-only "$build/libretrograd.so" | awk '$3 !~ /^ags?_/ { print "libretrograd.so: exports " $3 }' |
    verdict "exports begin with ag_ or ags_"

# 4.
mkdir -p "$work/generated/ops"
{
    awk -v OUT="$work/generated" -f autograd/headers.awk autograd/ops.def 2>&1 || echo "autograd/headers.awk: failed"
    for f in $(cd "$work/generated" && files .); do
        cmp -s "autograd/$f" "$work/generated/$f" ||
            echo "autograd/${f#./}:$(diff "autograd/$f" "$work/generated/$f" | sed -n '1s/[^0-9].*//p'): differs; make headers"
    done
} | verdict "generated headers equal their table"
awk -f autograd/reference.awk autograd/ops.def >"$work/ops.md"
awk '
    FILENAME == ARGV[1] { if (split($0, cell, / \| /) == 4 && cell[2] ~ /`ag_/ && cell[3] != "") told[substr(cell[1], 3)] = 1; next }
    /^AG__ROW/ { gsub(/AG__ROW\(|\)/, ""); if (!("`ag_" $0 "`" in told)) print "ops.def: " $0 " is not in the reference" }
    ' "$work/ops.md" autograd/ops/rows.inc | verdict "the reference has a row for every operation"

# 5.
strict=$(echo "$warnings" | sed 's/-Wstrict-prototypes//')
for h in $public; do
    for compiler in gcc clang g++ clang++; do
        present $compiler || continue
        case $compiler in
        *++) language="-x c++ -std=c++17 $strict" ;;
        *) language="-x c -std=c11 $warnings" ;;
        esac
        printf '#include <%s>\ntypedef int alone;\n' "$h" | $compiler $language -Werror -I. -fsyntax-only - 2>&1 |
            grep -m 1 'error' | sed "s|^|$h alone, $compiler: |"
    done
done | verdict "public headers compile alone, C11 and C++17"

# 6.
nm "$build/libretrograd.a" >"$work/symbols" 2>/dev/null
awk '
    FILENAME == ARGV[1] { if ($2 ~ /^[BDR]$/) defined[$3] = 1; next }
    /^AG__ROW/ { gsub(/AG__ROW\(|\)/, ""); if (!("ag__op_" $0 in defined)) print FILENAME ":" FNR ": no ag__op_" $0 }
    ' "$work/symbols" autograd/ops/rows.inc | verdict "every operation of the table is there"
version=$(awk '$2 ~ /^AG_VERSION_(MAJOR|MINOR|PATCH)$/ { printf "%s%s", dot, $3; dot = "." }' autograd/version.h)
awk -v version="$version" '
    /^## / { newest = $2; exit }
    END { if (newest != version) print "CHANGELOG.md:" NR ": newest is " newest ", autograd/version.h says " version }
    ' CHANGELOG.md | verdict "CHANGELOG and version.h agree"

# 7.
{
    for f in $code; do awk '/^ \* Generated from / { exit } { n++ } END { if (n > 900) print FILENAME ":" n ": over 900 lines" }' "$f"; done
    grep -nw 'TO[D]O\|FIX[M]E\|XX[X]' $texts
    grep -nE '(^|[^A-Za-z0-9_.$}/~])/(home|root|Users|work|mnt)/' $texts
    grep -n '[[:space:]]$' $texts | sed 's/:[^:]*$/: trailing space/'
} | verdict "files of at most 900 lines, without notes to oneself and paths of one machine"

# 8. The headers are set by hand.
if present clang-format && clang-format --version | grep -q 'version 14'; then
    clang-format --dry-run $(echo "$code" | grep '\.cc\?$') 2>&1 | grep 'warning:' | cut -d: -f1,2 | uniq |
        sort -u -t: -k1,1 | sed 's/$/: make format/' | verdict "clang-format (first place of each file)"
else
    echo "skipped clang-format: version 14 is not here"
fi
[ ! -e "$work/broken" ]
