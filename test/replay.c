/* replay.c - see replay.h. */
#include "replay.h"
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

static ag_optim *make_sgd(ag_params p)
{
    return ag_sgd(p, .lr = 1e-3);
}
static ag_optim *make_sgd_mom(ag_params p)
{
    return ag_sgd(p, .lr = 1e-4, .momentum = 0.9);
}
static ag_optim *make_sgd_nesterov(ag_params p)
{
    return ag_sgd(p, .lr = 1e-4, .momentum = 0.9, .nesterov = true);
}
static ag_optim *make_sgd_mom_damp_wd(ag_params p)
{
    return ag_sgd(p, .lr = 1e-4, .momentum = 0.9, .dampening = 0.1, .weight_decay = 0.01);
}
static ag_optim *make_adam(ag_params p)
{
    return ag_adam(p, .lr = 0.05);
}
static ag_optim *make_adam_amsgrad_wd(ag_params p)
{
    return ag_adam(p, .lr = 0.05, .weight_decay = 0.01, .amsgrad = true);
}
static ag_optim *make_adamw(ag_params p)
{
    return ag_adamw(p, .lr = 0.05, .weight_decay = 0.01);
}

const replay_config replay_configs[] = {
    { "sgd", make_sgd },
    { "sgd_mom", make_sgd_mom },
    { "sgd_nesterov", make_sgd_nesterov },
    { "sgd_mom_damp_wd", make_sgd_mom_damp_wd },
    { "adam", make_adam },
    { "adam_amsgrad_wd", make_adam_amsgrad_wd },
    { "adamw", make_adamw },
    { NULL, NULL },
};

/* ---- one trajectory ---------------------------------------------------------------------------------------------- */

typedef struct walker {
    const replay_config *config;
    ag_tape *tape;
    ag_tensor *x, *y;
    ag_optim *opt;
    int64_t step;
} walker;

static void walker_end(walker *w)
{
    ag_optim_free(w->opt);
    ag_free(w->x), ag_free(w->y);
    ag_tape_free(w->tape);
    *w = (walker){ .config = NULL };
}

static void walker_begin(walker *w, const replay_config *config)
{
    *w = (walker){ .config = config, .tape = ag_tape_new(), .x = ag_param(AG_F64), .y = ag_param(AG_F64) };
    ag_fill(w->x, -1.2), ag_fill(w->y, 1);
    w->opt = config->make(AG_PARAMS({ "x", w->x }, { "y", w->y }));
}

/* To where the configuration stands after `step` steps; again from the start if that is behind. */
static ag_status walk_to(walker *w, const replay_config *config, int64_t step)
{
    if (w->config != config || w->step > step) {
        walker_end(w);
        walker_begin(w, config);
    }
    for (; w->step < step && !ag_error(); w->step++) {
        ag_tensor *across = ag_sub(w->y, ag_square(w->x));
        ag_backward(ag_add(ag_square(ag_sub(1.0, w->x)), ag_mul(100.0, ag_square(across))));
        ag_step(w->opt);
        if (ag_tape_reset(w->tape)) return ag_fail(AG_EUSER, "%s: step %" PRId64 " failed", config->name, w->step);
    }
    return ag_error();
}

/* ---- the rows ---------------------------------------------------------------------------------------------------- */

typedef struct row {
    char name[64];
    int64_t step;
    double x, y, f;
} row;

enum { MAX_STEP = 10000000, MAX_NAMES = 64 };

static bool parse(const char *line, row *r)
{
    char more;
    int n = sscanf(line, "%63[^\t\n]\t%" SCNd64 "\t%lf\t%lf\t%lf %c", r->name, &r->step, &r->x, &r->y, &r->f, &more);
    return n == 5 && r->step >= 0 && r->step <= MAX_STEP;
}

/* The place of the name, n bytes long, in a list with commas or blanks; -1: it is not there. */
static int place_in(const char *list, const char *name, size_t n)
{
    for (int i = 0; list; i++) {
        if (strcspn(list, ", ") == n && !strncmp(list, name, n)) return i;
        if ((list = strpbrk(list, ", "))) list++;
    }
    return -1;
}

static const replay_config *find(const replay_config *configs, const char *name)
{
    for (; configs->name; configs++)
        if (!strcmp(configs->name, name)) return configs;
    return NULL;
}

static double relative(double a, double b)
{
    double error = a == b ? 0 : fabs(a - b) / fabs(b);
    return isnan(error) ? INFINITY : error;
}

typedef struct sums {
    int64_t good, rows;
    double worst;
    uint64_t met; /* bit i: a row of the i-th name of .only */
} sums;

static void take_row(const replay_asked *asked, walker *w, const char *line, int64_t number, sums *s, FILE *out)
{
    row r;
    if (!parse(line, &r)) {
        s->rows++;
        fprintf(out, "%s:%" PRId64 ": no row of name, step, x, y, f\n", asked->file, number);
        return;
    }
    int place = place_in(asked->only, r.name, strlen(r.name));
    const replay_config *config = find(asked->configs, r.name);
    if ((asked->only && place < 0) || (!config && asked->known_only)) return;
    if (place >= 0 && place < MAX_NAMES) s->met |= UINT64_C(1) << place;
    s->rows++;
    if (!config) {
        fprintf(out, "%s:%" PRId64 ": unknown: %s\n", asked->file, number, r.name);
        return;
    }
    if (walk_to(w, config, r.step)) {
        fprintf(out, "%s step %" PRId64 ": %s\n", r.name, r.step, ag_errmsg());
        walker_end(w);
        ag_clear_error();
        return;
    }
    double x = ag_item(w->x), y = ag_item(w->y), error = fmax(relative(x, r.x), relative(y, r.y));
    s->worst = fmax(s->worst, error);
    s->good += error <= 1e-12;
    if (!(error <= 1e-12))
        fprintf(out, "%s step %" PRId64 ": %.17g, %.17g, not %.17g, %.17g\n", r.name, r.step, x, y, r.x, r.y);
}

/* Is each name of .only in the file? */
static bool all_met(const replay_asked *asked, uint64_t met, FILE *err)
{
    bool all = true;
    const char *name = asked->only;
    for (int i = 0; name; i++) {
        size_t n = strcspn(name, ", ");
        if (n && i < MAX_NAMES && !(met >> i & 1)) { /* blanks may follow commas */
            fprintf(err, "trajectories: %s has no rows of %.*s\n", asked->file, (int)n, name);
            all = false;
        }
        name = name[n] ? name + n + 1 : NULL;
    }
    return all;
}

int replay_run(const replay_asked *asked, FILE *out, FILE *err)
{
    sums s = { 0, 0, 0, 0 };
    bool good = true;
    FILE *file = fopen(asked->file, "r");
    if (!file) {
        fprintf(err, "trajectories: %s: %s\n", asked->file, strerror(errno));
        good = false;
    } else {
        walker w = { .config = NULL };
        char line[512];
        for (int64_t number = 1; fgets(line, sizeof line, file); number++) take_row(asked, &w, line, number, &s, out);
        good = !ferror(file) && all_met(asked, s.met, err);
        fclose(file);
        walker_end(&w);
    }
    if (good && !s.rows) fprintf(err, "trajectories: %s has no rows to replay\n", asked->file);
    fprintf(out, "trajectories: %" PRId64 " of %" PRId64 " rows, worst %.3g\n", s.good, s.rows, s.worst);
    return good && s.rows && s.good == s.rows ? 0 : 1;
}
