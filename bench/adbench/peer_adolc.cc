/* peer_adolc.cc - the same problems by ADOL-C: `make adbench PEERS=1` where Debian's libadolc-dev is installed.
 *
 * A line each: `peer: NAME adolc objective_ms gradient_ms ratio`. Derivatives include the recording. */
#define _Noreturn [[noreturn]]
extern "C" {
#include "files.h"
}
#undef _Noreturn
#include <adolc/adolc.h>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <functional>
#include <string>
#include <vector>

typedef std::vector<double> numbers;

static numbers read(text &f, int n)
{
    numbers x(n);
    text_numbers(&f, x.size(), x.data());
    return x;
}

static double now()
{
    timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec + 1e-9 * t.tv_nsec;
}

static double least(const std::function<void()> &f)
{
    double best = INFINITY;
    f();
    for (double spent = 0, start; spent < 0.5; spent += now() - start) {
        start = now();
        f();
        best = std::min(best, now() - start);
    }
    return 1e3 * best;
}

static void report(const char *path, const char *folder, bool whole, double objective, double gradient)
{
    char stem[64];
    stem_of(path, sizeof stem, stem);
    std::string name = stem;
    if (!whole) name = name.substr(0, name.find('_'));
    if (name.compare(0, std::strlen(folder), folder)) name = std::string(folder) + "_" + name;
    std::printf("peer: %s adolc %.6f %.6f %.2f\n", name.c_str(), objective, gradient, gradient / objective);
    std::fflush(stdout);
}

static volatile double sink;

/* Times f(x) of one number, and its gradient. */
template <class F> static void one_number(const char *path, const char *folder, const numbers &x, F f)
{
    numbers g(x.size());
    double objective = least([&] { sink = f(x.data()); });
    double gradient_ms = least([&] {
        std::vector<adouble> a(x.size());
        double y;
        trace_on(1);
        for (size_t i = 0; i < x.size(); i++) a[i] <<= x[i];
        f(a.data()) >>= y;
        trace_off();
        gradient(1, (int)x.size(), x.data(), g.data());
    });
    report(path, folder, true, objective, gradient_ms);
}

/* ---- Gaussian mixture ---- */

template <class T> static T logsumexp(int n, const T *x)
{
    T top = x[0], s = 0;
    for (int i = 1; i < n; i++)
        if (x[i] > top) top = x[i];
    for (int i = 0; i < n; i++) s += exp(x[i] - top);
    return top + log(s);
}

struct gmm {
    int d, k, n, m;
    double gamma;
    numbers x;
    template <class T> T operator()(const T *p) const
    {
        const int low = d * (d - 1) / 2;
        const T *icf = p + k + k * d;
        std::vector<T> diag(k * d), sum(k), term(k), xc(d), qx(d);
        for (int c = 0; c < k; c++) {
            sum[c] = 0;
            for (int i = 0; i < d; i++) {
                sum[c] += icf[c * (d + low) + i];
                diag[c * d + i] = exp(icf[c * (d + low) + i]);
            }
        }
        T e = 0;
        for (int r = 0; r < n; r++) {
            for (int c = 0; c < k; c++) {
                const T *l = icf + c * (d + low) + d;
                T s = 0;
                for (int i = 0; i < d; i++) {
                    xc[i] = x[r * d + i] - p[k + c * d + i];
                    qx[i] = diag[c * d + i] * xc[i];
                }
                for (int j = 0; j < d; j++)
                    for (int i = j + 1; i < d; i++) qx[i] += *l++ * xc[j];
                for (int i = 0; i < d; i++) s += qx[i] * qx[i];
                term[c] = p[c] + sum[c] - 0.5 * s;
            }
            e += logsumexp(k, term.data());
        }
        e -= n * logsumexp(k, p);
        for (int c = 0; c < k; c++) {
            T f = 0;
            for (int i = 0; i < d; i++) f += diag[c * d + i] * diag[c * d + i];
            for (int i = d; i < d + low; i++) f += icf[c * (d + low) + i] * icf[c * (d + low) + i];
            e += 0.5 * gamma * gamma * f - m * sum[c];
        }
        return e; /* but for the constant */
    }
};

static void run_gmm(const char *path)
{
    text f = text_open(path);
    gmm q;
    q.d = text_count(&f, 1, 1024), q.k = text_count(&f, 1, 4096), q.n = text_count(&f, 1, 1 << 24);
    numbers p = read(f, q.k + 2 * q.k * q.d + q.k * q.d * (q.d - 1) / 2);
    q.x = read(f, q.n * q.d), q.gamma = text_number(&f), q.m = text_count(&f, 0, 1 << 20);
    one_number(path, "gmm", p, q);
}

/* ---- LSTM ---- */

struct lstm {
    int l, c, b;
    numbers state, sequence;
    template <class T> static T sigmoid(const T &x) { return 1 / (1 + exp(-x)); }
    template <class T> T operator()(const T *p) const
    {
        std::vector<T> s(state.size()), x(b), y(b);
        for (size_t i = 0; i < s.size(); i++) s[i] = state[i];
        const T *w = p + 8 * l * b;
        T total = 0;
        for (int k = 0; k + 1 < c; k++) {
            const double *now = &sequence[k * b], *next = now + b;
            for (int i = 0; i < b; i++) x[i] = now[i] * w[i];
            for (int j = 0; j < l; j++) {
                const T *v = p + 8 * j * b, *bias = v + 4 * b;
                T *hidden = &s[2 * j * b], *cell = hidden + b;
                for (int i = 0; i < b; i++) {
                    T forget = sigmoid<T>(x[i] * v[i] + bias[i]), in = sigmoid<T>(hidden[i] * v[b + i] + bias[b + i]);
                    T out = sigmoid<T>(x[i] * v[2 * b + i] + bias[2 * b + i]);
                    T change = tanh(hidden[i] * v[3 * b + i] + bias[3 * b + i]);
                    cell[i] = cell[i] * forget + in * change;
                    hidden[i] = out * tanh(cell[i]);
                }
                std::copy(hidden, hidden + b, x.begin());
            }
            T sum = 2;
            for (int i = 0; i < b; i++) {
                y[i] = x[i] * w[b + i] + w[2 * b + i];
                sum += exp(y[i]);
            }
            T norm = log(sum);
            for (int i = 0; i < b; i++) total += next[i] * (y[i] - norm);
        }
        return -total / ((c - 1) * b);
    }
};

static void run_lstm(const char *path)
{
    text f = text_open(path);
    lstm q;
    q.l = text_count(&f, 1, 16), q.c = text_count(&f, 2, 1 << 20), q.b = text_count(&f, 1, 1024);
    numbers p = read(f, 8 * q.l * q.b + 3 * q.b);
    q.state = read(f, 2 * q.l * q.b), q.sequence = read(f, q.c * q.b);
    one_number(path, "lstm", p, q);
}

/* ---- bundle adjustment: 15 variables, 2 residuals ---- */

template <class T> static void reproject(const T *q, const double *feature, T *error)
{
    T x[3], axis[3], side[3], y[3];
    for (int i = 0; i < 3; i++) x[i] = q[11 + i] - q[3 + i];
    T angle = sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2]), c = cos(angle), s = sin(angle);
    for (int i = 0; i < 3; i++) axis[i] = q[i] / angle;
    for (int i = 0; i < 3; i++) side[i] = axis[(i + 1) % 3] * x[(i + 2) % 3] - axis[(i + 2) % 3] * x[(i + 1) % 3];
    T along = (axis[0] * x[0] + axis[1] * x[1] + axis[2] * x[2]) * (1 - c);
    for (int i = 0; i < 3; i++) y[i] = x[i] * c + side[i] * s + axis[i] * along;
    T u[2] = { y[0] / y[2], y[1] / y[2] }, square = u[0] * u[0] + u[1] * u[1];
    T scale = 1 + q[9] * square + q[10] * square * square;
    for (int i = 0; i < 2; i++) error[i] = q[14] * (u[i] * scale * q[6] + q[7 + i] - feature[i]);
}

/* Many observations on one tape, and three sweeps at once: as ba.c does it. */
static void run_ba(const char *path)
{
    enum { BATCH = 32, M = 3 * BATCH, N = 15 * BATCH };
    text f = text_open(path);
    text_number(&f), text_number(&f);
    const int p = text_count(&f, 1, 1 << 22);
    const numbers own = read(f, 15), feature = read(f, 2);
    numbers x(N), y(M), seeds(3 * M), products(3 * N);
    double *seed[3], *product[3], w = own[14];
    for (int i = 0; i < N; i++) x[i] = own[i % 15];
    for (int k = 0; k < 3; k++) {
        seed[k] = &seeds[k * M], product[k] = &products[k * N];
        for (int i = 0; i < BATCH; i++) seed[k][3 * i + k] = 1;
    }
    double objective = least([&] {
        for (int i = 0; i < p; i++) {
            reproject(own.data(), feature.data(), y.data());
            sink = y[0] + y[1] + (1 - w * w);
        }
    });
    std::vector<adouble> a(N), e(M);
    double blocks = least([&] {
        for (int first = 0; first < p; first += BATCH) {
            trace_on(1, 1);
            for (int i = 0; i < N; i++) a[i] <<= x[i];
            for (int i = 0; i < BATCH; i++) {
                reproject(&a[15 * i], feature.data(), &e[3 * i]);
                e[3 * i + 2] = 1 - a[15 * i + 14] * a[15 * i + 14];
            }
            for (int i = 0; i < M; i++) e[i] >>= y[i];
            trace_off();
            fov_reverse(1, M, N, 3, seed, product);
        }
    });
    report(path, "ba", false, objective, blocks);
}

/* ---- hand ---- */

struct hand {
    enum { BONES = 22, VARIABLES = 26 };
    int parent[BONES], n_vertex = 0;
    numbers relative[BONES], inverse[BONES], weighted; /* 4 x 4; [vertex][bone][4] */
    std::vector<int> at;
    numbers point;

    template <class T, class U> static void compose(const T *a, const U *b, T *y)
    {
        for (int i = 0; i < 3; i++)
            for (int j = 0; j < 4; j++) {
                y[4 * i + j] = a[4 * i] * b[j] + a[4 * i + 1] * b[4 + j] + a[4 * i + 2] * b[8 + j];
                if (j == 3) y[4 * i + j] += a[4 * i + 3];
            }
    }
    template <class T> void operator()(const T *v, T *residual) const
    {
        std::vector<T> absolute(12 * BONES), move(12 * BONES), x(3 * n_vertex, T(0));
        for (int b = 0; b < BONES; b++) {
            const int finger = (b - 1) / 4, k = b > 0 ? (b - 1) % 4 - 1 : -1;
            T angle[2] = { 0, 0 }, local[12];
            if (k >= 0 && finger < 5) angle[0] = v[6 + 4 * finger + k + (k > 0)];
            if (k == 0 && finger < 5) angle[1] = v[7 + 4 * finger];
            T ca = cos(angle[0]), sa = sin(angle[0]), cb = cos(angle[1]), sb = sin(angle[1]);
            const T turn[9] = { cb, -sb * ca, sb * sa, sb, cb * ca, -cb * sa, 0, sa, ca };
            for (int i = 0; i < 3; i++) {
                const double *r = &relative[b][4 * i];
                for (int j = 0; j < 3; j++) local[4 * i + j] = r[0] * turn[j] + r[1] * turn[3 + j] + r[2] * turn[6 + j];
                local[4 * i + 3] = r[3];
            }
            if (parent[b] < 0)
                std::copy(local, local + 12, &absolute[12 * b]);
            else
                compose(&absolute[12 * parent[b]], local, &absolute[12 * b]);
            compose(&absolute[12 * b], inverse[b].data(), &move[12 * b]);
        }
        for (int b = 0; b < BONES; b++)
            for (int n = 0; n < n_vertex; n++) {
                const double *w = &weighted[4 * (BONES * n + b)];
                for (int i = 0; i < 3; i++) {
                    const T *k = &move[12 * b + 4 * i];
                    x[3 * n + i] += k[0] * w[0] + k[1] * w[1] + k[2] * w[2] + k[3] * w[3];
                }
            }
        T angle = sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]), s = sin(angle), c = cos(angle), u[3], r[9];
        for (int i = 0; i < 3; i++) u[i] = v[i] / angle;
        for (int i = 0; i < 3; i++) {
            const int j = (i + 1) % 3, k = (i + 2) % 3;
            T mean = u[i] * u[j] * (1 - c), side = u[k] * s;
            r[4 * i] = u[i] * u[i] * (1 - c) + c;
            r[3 * i + j] = mean - side;
            r[3 * j + i] = mean + side;
        }
        for (int n = 0; n < n_vertex; n++) {
            const T y[3] = { x[3 * n], x[3 * n + 1], x[3 * n + 2] };
            for (int i = 0; i < 3; i++)
                x[3 * n + i] = r[3 * i] * y[0] + r[3 * i + 1] * y[1] + r[3 * i + 2] * y[2] + v[3 + i];
        }
        for (size_t p = 0; p < at.size(); p++)
            for (int i = 0; i < 3; i++) residual[3 * p + i] = point[3 * p + i] - x[3 * at[p] + i];
    }
};

static void read_model(const std::string &folder, hand &q)
{
    const std::string bones = folder + "bones.txt", vertices = folder + "vertices.txt";
    text f = text_open(bones.c_str());
    for (int b = 0; b < hand::BONES; b++) {
        char name[64];
        text_word(&f, name, sizeof name);
        q.parent[b] = text_count(&f, -1, b - 1);
        q.relative[b] = read(f, 16), q.inverse[b] = read(f, 16);
    }
    f = text_open(vertices.c_str());
    for (; text_more(&f); q.n_vertex++) {
        const numbers own = read(f, 8);
        q.weighted.resize(q.weighted.size() + 4 * hand::BONES);
        for (int n = text_count(&f, 0, hand::BONES); n > 0; n--) {
            double *w = &q.weighted[4 * (hand::BONES * q.n_vertex + text_count(&f, 0, hand::BONES - 1))];
            const double weight = text_number(&f);
            for (int i = 0; i < 4; i++) w[i] += weight * (i < 3 ? own[i] : 1);
        }
    }
}

static void run_hand(const char *path)
{
    hand q;
    read_model(std::string(path, std::strrchr(path, '/')) + "/../model/", q);
    text f = text_open(path);
    const int points = text_count(&f, 1, 1 << 20), n = text_count(&f, hand::VARIABLES, hand::VARIABLES), m = 3 * points;
    for (int p = 0; p < points; p++) {
        q.at.push_back(text_count(&f, 0, q.n_vertex - 1));
        for (double x : read(f, 3)) q.point.push_back(x);
    }
    const numbers x = read(f, n);
    numbers y(m), all(m * n);
    std::vector<double *> rows(m);
    for (int i = 0; i < m; i++) rows[i] = &all[i * n];
    double objective = least([&] { q(x.data(), y.data()), sink = y[0]; });
    double columns = least([&] {
        std::vector<adouble> a(n), e(m);
        trace_on(1);
        for (int i = 0; i < n; i++) a[i] <<= x[i];
        q(a.data(), e.data());
        for (int i = 0; i < m; i++) e[i] >>= y[i];
        trace_off();
        jacobian(1, m, n, x.data(), rows.data());
    });
    report(path, "hand", false, objective, columns);
}

static void each(const std::string &folder, void (*run)(const char *))
{
    char **file = files_of(folder.c_str());
    for (size_t i = 0; file[i]; i++) run(file[i]);
    files_free(file);
}

int main(int argc, char **argv)
{
    if (argc != 2) return 2;
    const std::string data = argv[1];
    each(data + "/gmm", run_gmm);
    each(data + "/lstm", run_lstm);
    each(data + "/ba", run_ba);
    each(data + "/hand/simple_small", run_hand);
    return 0;
}
