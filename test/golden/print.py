"""Makes print.txt: tensors as NumPy prints them.  python3 print.py [number of random cases] > print.txt

A case is a line `= dtype sizes kind numbers...`, then what NumPy prints. Kind `cycle`: the numbers over and over;
`range`: from the first by steps of the second."""
import sys
import numpy as np

TYPES = {"f32": np.float32, "f64": np.float64, "i64": np.int64, "i32": np.int32, "u8": np.uint8, "bool": np.bool_}


def text(v):
    return float(v).hex() if isinstance(v, (float, np.floating)) else str(int(v))


def case(dtype, dims, kind, *numbers):
    n = int(np.prod(dims, dtype=np.int64))
    numbers = [TYPES[dtype](v) for v in numbers]
    if kind == "cycle":
        a = np.array([numbers[i % len(numbers)] for i in range(n)], TYPES[dtype])
    else:
        a = np.array([numbers[0] + numbers[1] * TYPES[dtype](i) for i in range(n)], TYPES[dtype])
    print("=", dtype, "x".join(map(str, dims)) or "-", kind, *map(text, numbers))
    print(a.reshape(dims))


def chosen():
    inf, nan = float("inf"), float("nan")
    for dtype in "f32", "f64":
        for v in (0.0, -0.0, 1.0, 1.5, -2.25, 0.1, 1 / 3, 1e-4, 9e-5, 1e-5, 1.5e-7, 123456789.125, 1e15, 1e16, 1.25e20,
                  3e38, nan, inf, -inf):
            case(dtype, (), "cycle", v)
        case(dtype, (3,), "cycle", 1.0, 2.0, 3.0)
        case(dtype, (4,), "cycle", 0.0, -0.0, 1.0, -1.0)
        case(dtype, (3,), "cycle", 0.1, 0.25, 1 / 3)
        case(dtype, (3,), "cycle", -0.1, 10.5, 999.0)
        case(dtype, (3,), "cycle", 1e-4, 0.01, 0.09)
        case(dtype, (3,), "cycle", 9e-5, 1.0, 2.0)
        case(dtype, (3,), "cycle", 1.0, 1000.0, 1000.0)
        case(dtype, (3,), "cycle", 1.0, 1000.5, 0.5)
        case(dtype, (2,), "cycle", 1e8, 1e7)
        case(dtype, (2,), "cycle", 99999999.0, 99999990.0)
        case(dtype, (3,), "cycle", 1e30, -1.5e-30, 0.0)
        case(dtype, (3,), "cycle", nan, 1.0, inf)
        case(dtype, (3,), "cycle", nan, 1.5, -inf)
        case(dtype, (3,), "cycle", nan, inf, nan)
        case(dtype, (2,), "cycle", nan, -inf)
        case(dtype, (3,), "cycle", -inf, 1e20, 1.0)
        case(dtype, (4,), "cycle", 0.999999999, 1.0000000001, 2.0, 9.999999999)
        case(dtype, (2, 3), "range", 0.0, 1.0)
        case(dtype, (2, 2, 3), "range", -1.0, 0.5)
        case(dtype, (40,), "range", 0.0, 0.125)
        case(dtype, (3, 30), "range", 0.0, 1 / 3)
        case(dtype, (1001,), "range", 0.0, 1.0)
        case(dtype, (1000,), "range", 0.0, 1.0)
        case(dtype, (40, 40), "range", 0.0, 0.01)
        case(dtype, (2, 600), "range", 0.0, 1.0)
        case(dtype, (600, 2), "range", 0.0, 1.0)
        case(dtype, (8, 9, 20), "range", 0.0, 1.0)
        case(dtype, (1, 1, 1, 1, 1, 1, 1, 2), "range", 1.0, 1.0)
        case(dtype, (2, 1, 2, 1, 1, 2, 1, 2), "range", 1.0, 1.0)
        case(dtype, (0,), "cycle", 1.0)
        case(dtype, (2, 0, 3), "cycle", 1.0)
    case("f64", (3,), "cycle", 1e100, 1e-100, 5e-324)
    case("f64", (2,), "cycle", 1.7976931348623157e308, 2.2250738585072014e-308)
    case("f64", (3,), "cycle", 0.1 + 0.2, 2 / 3, 1e5 + 1 / 7)
    case("f32", (3,), "cycle", 16777216.0, 0.5, 1.1)
    for dtype in "i64", "i32":
        case(dtype, (), "cycle", -7)
        case(dtype, (5,), "cycle", 1, -10, 100, 7, 0)
        case(dtype, (60,), "range", -30, 1)
        case(dtype, (30, 50), "range", -700, 1)
        case(dtype, (7, 7, 30), "range", 0, 1)
    case("i64", (2,), "cycle", 9223372036854775807, -9223372036854775808)
    case("i64", (), "cycle", 9223372036854775807)
    case("u8", (), "cycle", 255)
    case("u8", (2, 3), "cycle", 0, 255, 7)
    for v in 0, 1:
        case("bool", (), "cycle", v)
    case("bool", (2, 3), "cycle", 0, 1, 1)
    case("bool", (3,), "cycle", 1)
    case("bool", (20,), "cycle", 0, 1, 1)
    case("bool", (1500,), "cycle", 0, 1, 1)


def random(n):
    r = np.random.default_rng(1)
    for _ in range(n):
        dtype = r.choice(["f32", "f64", "f64", "f32", "i64", "i32", "u8"])
        rank = int(r.integers(0, 6))
        dims = tuple(int(d) for d in r.integers(0 if r.random() < 0.05 else 1, r.choice([3, 9, 16]), rank))
        if r.random() < 0.05:
            dims = (int(r.integers(900, 1100)),)
        k = int(r.integers(1, 9))
        if dtype[0] == "f":
            v = r.standard_normal(k) * 10.0 ** r.uniform(-6, 9) * 10.0 ** (r.uniform(-2, 2, k) * (r.random() < 0.5))
            if r.random() < 0.5:
                v = np.round(v, int(r.integers(-2, 9)))
            v[r.random(k) < 0.05] = r.choice([np.nan, np.inf, -np.inf, 0, -0.0])
        else:
            v = r.integers(0, 10 ** int(r.integers(0, 3)) + 1, k) if dtype == "u8" else r.integers(
                -(10 ** int(r.integers(0, 10))), 10 ** int(r.integers(0, 10)) + 1, k)
        case(str(dtype), dims, "cycle", *v.tolist())


chosen()
random(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
