# reference.awk - ops.def -> a Markdown table of every operation, on the standard output.
# usage: awk -f reference.awk ops.def
function trim(s) { gsub(/^[ \t]+|[ \t]+$/, "", s); return s }
function note(from,   s, i) { s = trim(part[from]); for (i = from + 1; i <= parts; i++) s = s " | " part[i]; gsub(/[|]/, "\\|", s); gsub(/[<]/, "\\&lt;", s); return trim(s) }
function row(signature, text) { n++; printf "| `ag_%s` | `%s` | %s | %s |\n", name, signature, text, family }
BEGIN { print "# Operations\n\nGenerated from autograd/ops.def. All return a temporary of the current tape.\n" }
BEGIN { print "| operation | signature | formula, conventions | family |\n|---|---|---|---|" }
/^#/ || /^[ \t]*$/ { next }
{
    parts = split($0, part, / \| /); kind = trim(part[1]); name = trim(part[2]); f = "ag_" name
    if (kind == "T") { family = trim(part[2]); sub(/[.:].*/, "", family) }
    else if (kind == "U" || kind == "u") row(f "(x)", note(7) "; x a tensor or an ag_scalar")
    else if (kind == "n") row(f "(n, x)", note(6) "; x a tensor or an ag_scalar")
    else if (kind == "B" || kind == "c") row(f "(a, b)", note(7) "; a, b tensors, ag_scalars or C numbers")
    else if (kind == "b") row(f "(a, b)", note(3) "; a, b tensors, one may be a C number")
    else if (kind == "A") row(f "(ag_tensor *x, int axis)", note(3))
    else if (kind == "R") row(f "(ag_tensor *x, int axes...), " f "_keep", note(3))
    else if (kind == "X") row(f "(ag_tensor *x, int axes...)", note(3))
    else if (kind == "S") row(f "(ag_tensor *x, int64_t sizes...)", note(3))
    else if (kind == "F") row(f "(" trim(part[3]) ")", note(4))
    else if (kind == "O") row(f "(" trim(part[3]) ", " trim(part[4]) "...)", note(5))
}
END { printf "\n%d operations.\n", n }
