# headers.awk - ops.def -> ops.h elementary.h scalar_ops.h expr_ops.h generic.h ops/rows.inc, into the directory OUT.
# usage: awk -v OUT=dir -f headers.awk ops.def
function trim(s) { gsub(/^[ \t]+|[ \t]+$/, "", s); return s }
function note(from,   s, i) { s = trim(part[from]); for (i = from + 1; i <= parts; i++) s = s "|" part[i]; return trim(s) }
function put(file, s) { printf "%s", s > (OUT "/" file) }
function top(file, guard, what, includes) {
    put(file, "/* " file " - " what "\n * Generated from ops.def by `make headers`; edit that. */\n#ifndef " guard "\n#define " guard "\n" includes)
}
function fold(s, width,   out, i) { # comment text over several lines
    out = ""
    while (length(s) > width) {
        for (i = width; i > 1 && substr(s, i, 1) != " "; i--);
        out = out substr(s, 1, i - 1) "\n * "; s = substr(s, i + 1)
    }
    return out s
}
function declare(text, doc) {
    if (length(text) + length(doc) < 100) put("ops.h", sprintf("%-66s /* %s */\n", text, doc))
    else put("ops.h", "/* " fold(doc, 112) " */\n" text "\n")
}
function mask(saves,   m, i, c) {
    m = ""
    for (i = 1; i <= length(saves); i++) {
        c = substr(saves, i, 1)
        m = m (m == "" ? "" : " | ") (c == "x" || c == "a" ? "AG_SAVES_IN(0)" : c == "b" ? "AG_SAVES_IN(1)" : c == "y" ? "AG_SAVES_OUT(0)" : c == "!" ? "AG__PLAIN" : "AG_SAVES_NOTHING")
    }
    return m
}
function list(kind, row) { rows_of[kind] = rows_of[kind] " \\\n    " row }
function scalar(name, rare, args, passed) {
    if (rare) put("scalar_ops.h", "AG_API ag_scalar ags_" name "_on(ag_pen *p, " args ");\n")
    put("scalar_ops.h", "AG__INLINED ag_scalar ags_" name "(" args ") { return ags_" name "_on(&ag__pen, " passed "); }\n")
}
BEGIN {
    FS = "\001"
    top("ops.h", "AG_OPS_H", "the differentiable operations. All return a temporary, or NULL (see error.h).",
        "#include <autograd/ops_options.h>\n#include <autograd/scalar.h>\nAG_BEGIN\n")
}
/^#/ || /^[ \t]*$/ { next }
{
    parts = split($0, part, / \| /)
    kind = trim(part[1]); name = trim(part[2]); t = "AG_API ag_tensor *ag_" name
    if (kind == "T") { put("ops.h", "\n/* ---- " fold(note(2), 110) " */\n"); next }
    if (kind == "L") { declare("AG_API ag_list ag_" name "(" trim(part[3]) ");", note(4)); next }
    rows[++n_rows] = name
    if (kind == "U" || kind == "u") {
        declare(t "(ag_tensor *x);", note(7)); unary[++n_unary] = name; kind_of[name] = kind
        row = "X(" name ", " mask(trim(part[3])) ", (" trim(part[4]) "), (" trim(part[5]) "), (" trim(part[6]) "))"
        list(kind, row)
    } else if (kind == "B" || kind == "c") {
        declare(t "(ag_tensor *a, ag_tensor *b);", note(7)); binary[++n_binary] = name; kind_of[name] = kind
        split(part[5], slope, ";"); split(part[6], vjp, ";")
        row = "X(" name ", " mask(trim(part[3])) ", (" trim(part[4]) "), (" trim(slope[1]) "), (" trim(slope[2]) "), (" trim(vjp[1]) "), (" trim(vjp[2]) "))"
        list(kind, row)
    } else if (kind == "n") {
        declare(t "(int n, ag_tensor *x);", note(6)); ordered[++n_ordered] = name
        list(kind, "X(" name ", (" trim(part[3]) "), (" trim(part[4]) "), (" trim(part[5]) "))")
    } else if (kind == "b") { declare(t "(ag_tensor *a, ag_tensor *b);", note(3)); pairs[++n_pairs] = name }
    else if (kind == "A") { declare(t "(ag_tensor *x, int axis);", note(3)); plain[++n_plain] = name; first[n_plain] = "ag_tensor *x" }
    else if (kind == "R") {
        declare(t "(ag_tensor *x, int n, const int *axes);", note(3)); put("ops.h", t "_keep(ag_tensor *x, int n, const int *axes);\n")
        axes[++n_axes] = name; axes[++n_axes] = name "_keep"
    } else if (kind == "X") { declare(t "(ag_tensor *x, int n, const int *axes);", note(3)); axes[++n_axes] = name }
    else if (kind == "S") { declare(t "(ag_tensor *x, int n, const int64_t *dims);", note(3)); sizes[++n_sizes] = name }
    else if (kind == "F") { declare(t "(" trim(part[3]) ");", note(4)); plain[++n_plain] = name; split(part[3], each, ","); first[n_plain] = trim(each[1]); one[n_plain] = part[3] !~ /,/ }
    else if (kind == "O") {
        declare(t "(" trim(part[3]) ", AG_OPTIONS(" trim(part[4]) "));", note(5))
        named[++n_named] = name; options[n_named] = trim(part[4]); args[n_named] = gsub(/,/, ",", part[3]) + 1
    } else { print "ops.def: unknown kind: " $0 > "/dev/stderr"; failed = 1 }
}
END {
    put("ops.h", "\nAG_END\n#ifndef __cplusplus\n")
    for (i = 1; i <= n_axes; i++) put("ops.h", "#define ag_" axes[i] "(...) AG__AFTER(AG__AXES, ag_" axes[i] ", __VA_ARGS__, AG__LAST)\n")
    for (i = 1; i <= n_sizes; i++) put("ops.h", "#define ag_" sizes[i] "(...) AG__AFTER(AG__DIMS1, ag_" sizes[i] ", __VA_ARGS__, AG__LAST)\n")
    for (i = 1; i <= n_named; i++) put("ops.h", "#define ag_" named[i] "(...) AG__AFTER_CALL(AG__CALL" args[i] ", ag_" named[i] ", " options[i] ", __VA_ARGS__, AG__SIZE(" options[i] "))\n")
    put("ops.h", "#endif\n#endif\n")

    top("elementary.h", "AG_ELEMENTARY_H", "the elementary functions as lists, for whoever needs one piece of code for each.", "")
    put("elementary.h", "\n/* Said with what the vjp reads of a row: its slopes are always finite, or factors. */\n#define AG__PLAIN 0x1000000u\n\n/* X(name, what the vjp reads, value, slope, vjp), in x, the result y and the gradient g. */\n#define AG_UNARY_FUNCTIONS(X)" rows_of["U"] "\n")
    put("elementary.h", "\n/* X(name, what the vjp reads, value, slopes by a and b, vjps by a and b). */\n#define AG_BINARY_FUNCTIONS(X)" rows_of["B"] "\n")
    put("elementary.h", "\n/* The rare ones, in double: the same; and X(name, value, slope, vjp) of f_n(x). */\n#define AG_RARE_UNARY(X)" rows_of["u"] "\n\n#define AG_RARE_BINARY(X)" rows_of["c"] "\n\n#define AG_RARE_ORDERED(X)" rows_of["n"] "\n#endif\n")

    top("scalar_ops.h", "AG_SCALAR_OPS_H", "the elementary functions of scalars: one statement each, inline (pen.h) or a call.", "#include <autograd/pen.h>\nAG_BEGIN\n\n")
    for (i = 1; i <= n_unary; i++) scalar(unary[i], kind_of[unary[i]] == "u", "ag_scalar x", "x")
    for (i = 1; i <= n_binary; i++) scalar(binary[i], kind_of[binary[i]] == "c", "ag_scalar a, ag_scalar b", "a, b")
    for (i = 1; i <= n_ordered; i++) scalar(ordered[i], 1, "int n, ag_scalar x", "n, x")
    put("scalar_ops.h", "/* a b + c as one statement. */\nAG__INLINED ag_scalar ags_fma(ag_scalar a, ag_scalar b, ag_scalar c) { return ags_fma_on(&ag__pen, a, b, c); }\n\nAG_END\n#endif\n")

    top("expr_ops.h", "AG_EXPR_OPS_H", "operands of expressions (expr.h) may be scalars and C numbers.", "#include <autograd/expr.h>\n\n")
    for (i = 1; i <= n_unary; i++) if (kind_of[unary[i]] != "u") put("expr_ops.h", "#define agx_" unary[i] "(x) (agx_" unary[i] ")(AG__EXPR(x))\n")
    for (i = 1; i <= n_binary; i++) if (kind_of[binary[i]] != "c") put("expr_ops.h", "#define agx_" binary[i] "(a, b) (agx_" binary[i] ")(AG__EXPR(a), AG__EXPR(b))\n")
    put("expr_ops.h", "#endif\n")

    top("generic.h", "AG_GENERIC_H", "one spelling for tensors, scalars and C numbers.\n * C: _Generic macros (lift.h); (ag_mul) is the plain function. C++: overloads, and operators on ag_scalar.", "#include <autograd/lift.h>\n\n#ifndef __cplusplus\n")
    for (i = 1; i <= n_binary; i++) put("generic.h", "AG__LIFT_TENSOR(" binary[i] ")\nAG__LIFT_SCALAR(" binary[i] ")\n")
    for (i = 1; i <= n_pairs; i++) put("generic.h", "AG__LIFT_TENSOR(" pairs[i] ")\n")
    for (i = 1; i <= n_unary; i++) put("generic.h", "#define ag_" unary[i] "(x) AG__UNARY(" unary[i] ", x)\n")
    for (i = 1; i <= n_binary; i++) put("generic.h", "#define ag_" binary[i] "(a, b) AG__BINARY(" binary[i] ", a, b)\n")
    for (i = 1; i <= n_pairs; i++) put("generic.h", "#define ag_" pairs[i] "(a, b) AG__BINARYT(" pairs[i] ", a, b)\n")
    for (i = 1; i <= n_ordered; i++) put("generic.h", "#define ag_" ordered[i] "(n, x) AG__ORDERED(" ordered[i] ", n, x)\n")
    put("generic.h", "#ifndef AG__LIBRARY\n")
    for (i = 1; i <= n_plain; i++) if (plain[i] != "lerp") { # lift.h has it
        form = first[i] !~ /^ag_tensor \*[a-z_]+$/ ? "AG__PLACED(" : one[i] ? "AG__AFTER(AG__PLAIN_CALL1, " : "AG__AFTER(AG__PLAIN_CALL, "
        put("generic.h", "#define ag_" plain[i] "(...) " form "ag_" plain[i] ", __VA_ARGS__" (one[i] && form ~ /AFTER/ ? ", 0" : "") ")\n")
    }
    put("generic.h", "#endif\n")
    put("generic.h", "#else\n")
    for (i = 1; i <= n_unary; i++) put("generic.h", "AG__CPP_UNARY(" unary[i] ")\n")
    for (i = 1; i <= n_ordered; i++) put("generic.h", "AG__CPP_ORDERED(" ordered[i] ")\n")
    for (i = 1; i <= n_binary; i++) put("generic.h", "AG__CPP_BINARY(" binary[i] ")\nAG__CPP_NUMBER(" binary[i] ")\n")
    for (i = 1; i <= n_pairs; i++) put("generic.h", "AG__CPP_NUMBER(" pairs[i] ")\n")
    for (i = 1; i <= n_axes; i++) put("generic.h", "AG__CPP_LIST(" axes[i] ", int)\n")
    for (i = 1; i <= n_sizes; i++) put("generic.h", "AG__CPP_LIST(" sizes[i] ", int64_t)\n")
    put("generic.h", "#endif\n#endif\n")

    put("ops/rows.inc", "/* rows.inc - every operation, in the order of ops.def: AG__ROW(name)\n * Generated from ops.def by `make headers`; edit that. */\n")
    for (i = 1; i <= n_rows; i++) put("ops/rows.inc", "AG__ROW(" rows[i] ")\n")
    exit failed
}
