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
    const ag__kernels *table[2];
} archs[] = {
#ifdef AG__HAVE_X86
    { "avx512", has_avx512, { &ag__kernels_f32_avx512, &ag__kernels_f64_avx512 } },
    { "avx2", has_avx2, { &ag__kernels_f32_avx2, &ag__kernels_f64_avx2 } },
#endif
    { "generic", always, { &ag__kernels_f32_generic, &ag__kernels_f64_generic } },
};

const ag__kernels *_Atomic ag__kernel[2] = { &ag__kernels_f32_generic, &ag__kernels_f64_generic };
static const char *chosen;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* name NULL: the best. */
static const struct arch *find(const char *name)
{
    for (size_t i = 0; i < sizeof archs / sizeof *archs; i++)
        if ((!name || !strcmp(name, archs[i].name)) && archs[i].supported()) return &archs[i];
    return NULL;
}

static void choose(void)
{
    const char *wanted = getenv("AG_ARCH");
    const struct arch *arch = find(wanted && *wanted ? wanted : NULL);
    if (!arch) return;
    ag__kernel[0] = arch->table[0];
    ag__kernel[1] = arch->table[1];
    chosen = arch->name;
}

const char *ag__kernels_choose(void)
{
    return pthread_once(&once, choose) ? NULL : chosen;
}

const ag__kernels *ag__kernels_of(const char *arch, int dtype)
{
    const struct arch *found = find(arch);
    return found ? found->table[dtype] : NULL;
}
