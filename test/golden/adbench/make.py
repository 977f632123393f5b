"""Writes the small problems of test_adbench.sh and their values and derivatives, each function as a textbook has it,
derivatives by complex steps: f(x + ih) / h, exact to rounding.  usage: python3 make.py, in its folder."""
import cmath
import math
import os
import random

random.seed(5)
STEP = 1e-100


def real(x):
    return x.real if isinstance(x, complex) else x


def jacobian(f, x):
    """Values, and the columns of the derivative."""
    values = [real(y) for y in f([complex(v) for v in x])]
    columns = []
    for j in range(len(x)):
        moved = [complex(v, STEP if i == j else 0) for i, v in enumerate(x)]
        columns.append([y.imag / STEP for y in f(moved)])
    return values, columns


def draw(n, low=-1, high=1):
    return [round(random.uniform(low, high), 4) for _ in range(n)]


def write(path, rows):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        for row in rows:
            f.write(" ".join(repr(v) for v in row) + "\n" if isinstance(row, list) else str(row) + "\n")


def logsumexp(x, more=0):
    top = max(real(v) for v in x) if not more else 0
    return top + cmath.log(sum(cmath.exp(v - top) for v in x) + more)


# ---- Gaussian mixture ----


def gmm(d, k, n, gamma, m, stem, name):
    low = d * (d - 1) // 2
    points = [draw(d) for _ in range(n)]

    def f(p):
        alpha, mean = p[:k], [p[k + c * d:k + (c + 1) * d] for c in range(k)]
        factor = [p[k + k * d + c * (d + low):][:d + low] for c in range(k)]
        total = 0
        matrices = []
        for icf in factor:
            q = [[0] * d for _ in range(d)]
            rest = iter(icf[d:])
            for j in range(d):
                q[j][j] = cmath.exp(icf[j])
                for i in range(j + 1, d):
                    q[i][j] = next(rest)
            matrices.append(q)
        for x in points:
            terms = []
            for c in range(k):
                y = [sum(matrices[c][i][j] * (x[j] - mean[c][j]) for j in range(i + 1)) for i in range(d)]
                terms.append(alpha[c] + sum(factor[c][:d]) - 0.5 * sum(v * v for v in y))
            total += logsumexp(terms)
        total -= n * logsumexp(alpha)
        for c in range(k):
            squares = sum(v * v for row in matrices[c] for v in row)
            total += 0.5 * gamma**2 * squares - m * sum(factor[c][:d])
        freedom = d + m + 1
        log_gamma = d * (d - 1) / 4 * math.log(math.pi)
        log_gamma += sum(math.lgamma((freedom + 1 - j) / 2) for j in range(1, d + 1))
        wishart = freedom * d * (math.log(gamma) - math.log(2) / 2) - log_gamma
        return [total - n * d / 2 * math.log(2 * math.pi) - k * wishart]

    x = draw(k + 2 * k * d + k * low)
    write("gmm/%s.txt" % stem, ["%d %d %d" % (d, k, n), x] + points + ["%r %d" % (gamma, m)])
    values, columns = jacobian(f, x)
    write("golden/%s.txt" % name, [str(len(x))] + [[v] for v in values] + columns)


# ---- LSTM ----


def lstm(layers, steps, b):
    state, sequence = draw(2 * layers * b), [draw(b, 0, 1) for _ in range(steps)]

    def sigmoid(x):
        return 1 / (1 + cmath.exp(-x))

    def f(p):
        hidden = [state[2 * i * b:(2 * i + 1) * b] for i in range(layers)]
        cell = [state[(2 * i + 1) * b:(2 * i + 2) * b] for i in range(layers)]
        extra = [p[8 * layers * b + i * b:][:b] for i in range(3)]
        total = 0
        for now, then in zip(sequence, sequence[1:]):
            x = [u * w for u, w in zip(now, extra[0])]
            for i in range(layers):
                gate = [p[(8 * i + g) * b:][:b] for g in range(8)]
                linear = [[(x if g % 2 == 0 else hidden[i])[j] * gate[g][j] + gate[g + 4][j] for j in range(b)]
                          for g in range(4)]
                forget, let_in, out = ([sigmoid(v) for v in linear[g]] for g in range(3))
                change = [cmath.tanh(v) for v in linear[3]]
                cell[i] = [c * g + u * v for c, g, u, v in zip(cell[i], forget, let_in, change)]
                x = hidden[i] = [o * cmath.tanh(c) for o, c in zip(out, cell[i])]
            y = [u * w + v for u, w, v in zip(x, extra[1], extra[2])]
            total += sum(g * (v - logsumexp(y, 2)) for g, v in zip(then, y))
        return [-total / ((steps - 1) * b)]

    x = draw(8 * layers * b + 3 * b)
    write("lstm/lstm_l%d_c%d.txt" % (layers, steps), ["%d %d %d" % (layers, steps, b), "", x, state] + sequence)
    values, columns = jacobian(f, x)
    write("golden/lstm_l%d_c%d.txt" % (layers, steps), [str(len(x))] + [[v] for v in values] + columns)


# ---- bundle adjustment ----


def cross(a, b):
    return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]


def dot(a, b):
    return sum(u * v for u, v in zip(a, b))


def rotated(r, x):
    square = dot(r, r)
    if real(square) == 0:
        return [u + v for u, v in zip(x, cross(r, x))]
    angle = cmath.sqrt(square)
    axis = [v / angle for v in r]
    s, c, side, along = cmath.sin(angle), cmath.cos(angle), cross(axis, x), dot(axis, x)
    return [u * c + v * s + w * along * (1 - c) for u, v, w in zip(x, side, axis)]


def ba(stem, name, camera, sizes):
    point, weight, feature = draw(3), draw(1), draw(2, -20, 20)

    def f(x):
        cam, place, w = x[:11], x[11:14], x[14]
        y = rotated(cam[:3], [u - v for u, v in zip(place, cam[3:6])])
        u, v = y[0] / y[2], y[1] / y[2]
        square = u * u + v * v
        scale = cam[6] * (1 + cam[9] * square + cam[10] * square * square)
        return [w * (u * scale + cam[7] - feature[0]), w * (v * scale + cam[8] - feature[1]), 1 - w * w]

    write("ba/%s.txt" % stem, [sizes, camera, point, weight, feature])
    values, columns = jacobian(f, camera + point + weight)
    rows = [[c[i] for c in columns] for i in range(3)]
    comment = "# errors, weight's error; rows; by the weight"
    write("golden/%s_block0.txt" % name, [comment, values, rows[0], rows[1], rows[2][14:]])


# ---- hand ----


def product(a, b):
    return [[sum(a[i][k] * b[k][j] for k in range(len(b))) for j in range(len(b[0]))] for i in range(len(a))]


def hand():
    parent = [-1, 0, 1, 2, 3, 0, 5, 6, 7, 0, 9, 10, 11, 0, 13, 14, 15, 0, 17, 18, 19, 0]
    last = [0.0, 0.0, 0.0, 1.0]
    bones = [([draw(4) for _ in range(3)] + [last], [draw(4) for _ in range(3)] + [last]) for _ in parent]
    vertices = [(draw(3), {b: w for b, w in zip(random.sample(range(22), 3), draw(3, 0, 1))}) for _ in range(7)]
    points = [(random.randrange(7), draw(3)) for _ in range(4)]

    def f(theta):
        pose = [[0, 0, 0] for _ in parent]  # angles about x, z, y
        i = 6
        for finger in range(5):
            for k in (2, 3, 4):
                pose[4 * finger + k][0], i = theta[i], i + 1
                if k == 2:
                    pose[4 * finger + k][1], i = theta[i], i + 1
        absolute, moves = [], []
        for b, (relative, inverse) in enumerate(bones):
            cx, sx, cz, sz = (g(v) for v in pose[b][:2] for g in (cmath.cos, cmath.sin))
            turn_x = [[1, 0, 0, 0], [0, cx, -sx, 0], [0, sx, cx, 0], last]
            turn_z = [[cz, -sz, 0, 0], [sz, cz, 0, 0], [0, 0, 1, 0], last]
            local = product(relative, product(turn_z, turn_x))
            absolute.append(product(absolute[parent[b]], local) if parent[b] >= 0 else local)
            moves.append(product(absolute[b], inverse))
        out = []
        for at, point in points:
            x, weights = vertices[at]
            y = [sum(w * dot(moves[b][i], x + [1]) for b, w in weights.items()) for i in range(3)]
            out += [p - v - s for p, v, s in zip(point, rotated(theta[:3], y), theta[3:6])]
        return out

    def line(values):
        return ":".join(str(v) for v in values)

    write("hand/model/bones.txt", [line(["bone%d" % i, parent[i]] + sum(a + b, [])) for i, (a, b) in enumerate(bones)])
    write("hand/model/vertices.txt", [line(x + [0.0] * 5 + [len(w)] + sum(([b, v] for b, v in w.items()), []))
                                      for x, w in vertices])
    theta = draw(26)
    write("hand/simple_small/hand3_t26_c4.txt", ["4 26"] + [[at] + p for at, p in points] + [[t] for t in theta])
    values, columns = jacobian(f, theta)
    write("golden/hand_simple_small_hand3.txt", ["%d %d" % (len(values), len(columns)), values] + columns)


gmm(3, 2, 4, 0.7, 2, "gmm_d3_K2", "gmm_d3_K2")
gmm(1, 2, 3, 1.0, 0, "test", "gmm_test")
lstm(2, 5, 3)
ba("test", "ba_test", draw(11), "1 1 1")
ba("ba7_n2_m3_p40", "ba_ba7", [0.0] * 3 + draw(8), "2 3 40")
hand()
