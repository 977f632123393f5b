/* dispatch.c - which instruction set's kernels run: the best one the processor has, or the one AG_ARCH names. */
#include <autograd/kernels/kernels.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

extern const ag__kernels ag__kernels_f32_generic, ag__kernels_f64_generic;
#ifdef AG__HAVE_X86
extern const ag__kernels ag__kernels_f32_avx2, ag__kernels_f64_avx2;
extern const ag__kernels ag__kernels_f32_avx512, ag__kernels_f64_avx512;

static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
static bool has_avx512(void)
{
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
}
#endif
static bool always(void)
{
    return true;
}

/* the best first */
static const struct arch {
    const char *name;
    bool (*supported)(void);
} archs[] = {
#ifdef AG__HAVE_X86
    { "avx512", has_avx512 },
    { "avx2", has_avx2 },
#endif
    { "generic", always },
};
enum { ARCHS = sizeof archs / sizeof *archs };

/* Apart from the names: a program that needs only those is linked without kernels. */
static const ag__kernels *const tables[ARCHS][2] = {
#ifdef AG__HAVE_X86
    { &ag__kernels_f32_avx512, &ag__kernels_f64_avx512 },
    { &ag__kernels_f32_avx2, &ag__kernels_f64_avx2 },
#endif
    { &ag__kernels_f32_generic, &ag__kernels_f64_generic },
};

const ag__kernels *_Atomic ag__kernel[2];
static int chosen;
static pthread_once_t named = PTHREAD_ONCE_INIT, taken = PTHREAD_ONCE_INIT;

/* name NULL: the best. ARCHS: none. */
static int find(const char *name)
{
    int i = 0;
    while (i < ARCHS && ((name && strcmp(name, archs[i].name)) || !archs[i].supported())) i++;
    return i;
}

static void choose(void)
{
    const char *wanted = getenv("AG_ARCH");
    chosen = find(wanted && *wanted ? wanted : NULL);
}

const char *ag__arch(void)
{
    return pthread_once(&named, choose) || chosen == ARCHS ? NULL : archs[chosen].name;
}

static void take(void)
{
    const ag__kernels *const *table = tables[ag__arch() ? chosen : ARCHS - 1];
    ag__kernel[0] = table[0];
    ag__kernel[1] = table[1];
}

const char *ag__kernels_choose(void)
{
    pthread_once(&taken, take);
    return ag__arch();
}

const ag__kernels *ag__kernels_of(const char *arch, int dtype)
{
    int i = find(arch);
    return i < ARCHS ? tables[i][dtype] : NULL;
}
