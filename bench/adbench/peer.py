"""The same problems by JAX and CasADi, whichever is installed: `make adbench PEERS=1`.  usage: peer.py DATA

A line each: `peer: NAME TOOL objective_ms gradient_ms ratio`. Both compile: neither time includes it, nor CasADi's
construction of its expressions.
"""
import glob
import os
import sys
import time

try:
    import numpy as np
except ImportError:
    sys.exit()

data = sys.argv[1]


def files(folder):
    for path in sorted(glob.glob(os.path.join(data, folder, "*.txt"))):
        stem, kind = os.path.basename(path)[:-4], folder.split("/")[0]
        if kind in ("ba", "hand"):
            stem = stem.split("_")[0]
        with open(path) as f:
            numbers = iter(f.read().replace(":", " ").split())
        yield stem if stem.startswith(kind) else kind + "_" + stem, numbers, path


def take(numbers, *shape):
    n = int(np.prod(shape))
    return np.array([float(next(numbers)) for _ in range(n)]).reshape(shape)


def least(f):
    best = float("inf")
    for _ in range(2):
        f()
    spent = 0
    while spent < 0.5:
        start = time.process_time()
        f()
        took = time.process_time() - start
        best, spent = min(best, took), spent + took
    return 1e3 * best


def report(name, tool, objective, gradient):
    a, b = least(objective), least(gradient)
    print("peer: %s %s %.6f %.6f %.2f" % (name, tool, a, b, b / a), flush=True)


def read_gmm(numbers):
    d, k, n = (int(next(numbers)) for _ in range(3))
    p = take(numbers, k + 2 * k * d + k * d * (d - 1) // 2)
    return d, k, n, p, take(numbers, n, d), float(next(numbers)), int(next(numbers))


def read_lstm(numbers):
    l, c, b = (int(next(numbers)) for _ in range(3))
    return l, c, b, take(numbers, 8 * l * b + 3 * b), take(numbers, l, 2, b), take(numbers, c, b)


def with_jax():
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_enable_x64", True)

    def timed(name, f, derivative, *x):
        x = [jnp.array(v) for v in x]
        f, derivative = jax.jit(f), jax.jit(derivative)
        report(name, "jax", lambda: f(*x).block_until_ready(), lambda: derivative(*x).block_until_ready())

    for name, numbers, _ in files("gmm"):
        d, k, n, p, points, gamma, m = read_gmm(numbers)
        rows, columns = np.tril_indices(d, -1)
        order = np.lexsort((rows, columns))

        def gmm(p):
            alpha, mean, icf = p[:k], p[k:k + k * d].reshape(k, d), p[k + k * d:].reshape(k, -1)
            diag, total = jnp.exp(icf[:, :d]), icf[:, :d].sum(1)
            low = jnp.zeros((k, d, d)).at[:, rows[order], columns[order]].set(icf[:, d:])
            xc = points[:, None, :] - mean
            y = diag * xc + jnp.einsum("kij,nkj->nki", low, xc)
            terms = alpha + total - 0.5 * (y * y).sum(2)
            e = jax.nn.logsumexp(terms, axis=1).sum() - n * jax.nn.logsumexp(alpha)
            return e + 0.5 * gamma**2 * ((diag**2).sum() + (icf[:, d:]**2).sum()) - m * total.sum()

        timed(name, gmm, jax.grad(gmm), p)

    for name, numbers, _ in files("lstm"):
        l, c, b, p, state, sequence = read_lstm(numbers)

        def lstm(p):
            gates, extra = p[:8 * l * b].reshape(l, 8, b), p[8 * l * b:].reshape(3, b)

            def step(state, pair):
                x, out = pair[0] * extra[0], []
                for i in range(l):
                    w, (hidden, cell) = gates[i], state[i]
                    forget, new = jax.nn.sigmoid(x * w[0] + w[4]), jax.nn.sigmoid(hidden * w[1] + w[5])
                    show, change = jax.nn.sigmoid(x * w[2] + w[6]), jnp.tanh(hidden * w[3] + w[7])
                    cell = cell * forget + new * change
                    x = show * jnp.tanh(cell)
                    out.append(jnp.stack([x, cell]))
                y = x * extra[1] + extra[2]
                return jnp.stack(out), (pair[1] * (y - jnp.log(2 + jnp.exp(y).sum()))).sum()

            _, losses = jax.lax.scan(step, jnp.array(state), (sequence[:-1], sequence[1:]))
            return -losses.sum() / ((c - 1) * b)

        timed(name, lstm, jax.grad(lstm), p)

    def rotated(r, x):
        angle = jnp.sqrt(r @ r)
        axis, s, c = r / angle, jnp.sin(angle), jnp.cos(angle)
        return x * c + jnp.cross(axis, x) * s + axis * (axis @ x) * (1 - c)

    for name, numbers, _ in files("ba"):
        p = [int(next(numbers)) for _ in range(3)][2]
        x, feature = np.tile(take(numbers, 15), (p, 1)), np.tile(take(numbers, 2), (p, 1))

        def errors(x, feature):
            y = rotated(x[:3], x[11:14] - x[3:6])
            u = y[:2] / y[2]
            square = u @ u
            seen = u * (1 + x[9] * square + x[10] * square**2) * x[6] + x[7:9]
            return jnp.append(x[14] * (seen - feature), 1 - x[14]**2)

        timed(name, jax.vmap(errors), jax.vmap(jax.jacrev(errors)), x, feature)

    for name, numbers, path in files("hand/simple_small"):
        model = os.path.join(os.path.dirname(os.path.dirname(path)), "model")
        with open(os.path.join(model, "bones.txt")) as f:
            bones = [line.split(":") for line in f.read().split()]
        parent, frames = [int(b[1]) for b in bones], np.array([b[2:34] for b in bones], float).reshape(-1, 2, 4, 4)
        with open(os.path.join(model, "vertices.txt")) as f:
            lines = [[float(v) for v in line.split(":")] for line in f.read().split()]
        weighted = np.zeros((len(lines), len(bones), 4))
        for v, line in enumerate(lines):
            for i in range(int(line[8])):
                weighted[v, int(line[9 + 2 * i])] += line[10 + 2 * i] * np.array(line[:3] + [1])
        n, width = int(next(numbers)), int(next(numbers))
        rows = take(numbers, n, 4)
        at, points, theta = rows[:, 0].astype(int), rows[:, 1:], take(numbers, width)

        def residuals(x):
            absolute, moves = [], []
            for b in range(len(bones)):
                finger, k = (b - 1) // 4, (b - 1) % 4 - 1
                moving = 0 < b <= 20 and k >= 0
                a = x[6 + 4 * finger + k + (k > 0)] if moving else jnp.array(0.0)
                z = x[7 + 4 * finger] if moving and k == 0 else jnp.array(0.0)
                ca, sa, cz, sz = jnp.cos(a), jnp.sin(a), jnp.cos(z), jnp.sin(z)
                turn = jnp.array([[cz, -sz * ca, sz * sa, 0], [sz, cz * ca, -cz * sa, 0], [0, sa, ca, 0], [0, 0, 0, 1]])
                local = frames[b, 0] @ turn
                absolute.append(absolute[parent[b]] @ local if parent[b] >= 0 else local)
                moves.append((absolute[b] @ frames[b, 1])[:3])
            y = jnp.einsum("vbk,bik->vi", weighted, jnp.stack(moves))
            return points - (jax.vmap(lambda v: rotated(x[:3], v))(y) + x[3:6])[at]

        timed(name, residuals, jax.jacfwd(residuals), theta)


def with_casadi():
    import casadi as ca

    def timed(name, x, y, value):
        f, g = ca.Function("f", [x], [y]), ca.Function("g", [x], [ca.gradient(y, x)])
        report(name, "casadi", lambda: f(value), lambda: g(value))

    for name, numbers, _ in files("gmm"):
        d, k, n, p, points, gamma, m = read_gmm(numbers)
        x, low = ca.MX.sym("x", p.size), d * (d - 1) // 2
        terms, prior = [], 0
        for c in range(k):
            icf, mean = x[k + k * d + c * (d + low):][:d + low], x[k + c * d:k + (c + 1) * d]
            xc, diag, at = points.T - ca.repmat(mean, 1, n), ca.exp(icf[:d]), d
            y = ca.repmat(diag, 1, n) * xc
            for j in range(d - 1):
                column = ca.vertcat(ca.MX.zeros(j + 1), icf[at:at + d - 1 - j])
                y, at = y + column @ xc[j, :], at + d - 1 - j
            terms.append(x[c] + ca.sum1(icf[:d]) - 0.5 * ca.sum1(y * y))
            prior += 0.5 * gamma**2 * (ca.sumsqr(diag) + ca.sumsqr(icf[d:])) - m * ca.sum1(icf[:d])
        terms = ca.vertcat(*terms)
        top = ca.mmax(terms)  # one for all points
        e = ca.sum2(ca.log(ca.sum1(ca.exp(terms - top)))) + n * top - n * ca.logsumexp(x[:k])
        timed(name, x, e + prior, p)

    for name, numbers, _ in files("lstm"):
        l, c, b, p, state, sequence = read_lstm(numbers)
        x, total = ca.SX.sym("x", p.size), 0
        part = [x[i * b:(i + 1) * b] for i in range(8 * l + 3)]
        gate, extra = part[:8 * l], part[8 * l:]
        hidden, cell = [ca.SX(state[i, 0]) for i in range(l)], [ca.SX(state[i, 1]) for i in range(l)]
        sigmoid = lambda v: 1 / (1 + ca.exp(-v))
        for now, then in zip(sequence, sequence[1:]):
            v = extra[0] * now
            for i in range(l):
                w = gate[8 * i:8 * i + 8]
                forget, new = sigmoid(v * w[0] + w[4]), sigmoid(hidden[i] * w[1] + w[5])
                show, change = sigmoid(v * w[2] + w[6]), ca.tanh(hidden[i] * w[3] + w[7])
                cell[i] = cell[i] * forget + new * change
                v = hidden[i] = show * ca.tanh(cell[i])
            y = v * extra[1] + extra[2]
            total += ca.dot(ca.SX(then), y - ca.log(2 + ca.sum1(ca.exp(y))))
        timed(name, x, -total / ((c - 1) * b), p)


for tool in (with_jax, with_casadi):
    try:
        tool()
    except ImportError:
        pass
