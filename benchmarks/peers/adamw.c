// One fused AdamW pass over fp32 parameters: what `netzero bench adam` is held against.
// gcc -O3 -march=native -fno-math-errno -fno-trapping-math -fopenmp -o adamw adamw.c -lm
// OMP_NUM_THREADS=1 ./adamw [PARAMETERS [RUNS]]: one JSON object, with the fastest and the median run. HUGE=1 asks for 2 MiB pages, as NetZero does.
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

// The bias corrections are left out: with them a parameter costs one multiplication more.
static void pass(float *restrict p, const float *restrict g, float *restrict m, float *restrict v, long n) {
#pragma omp parallel for simd schedule(static) aligned(p, g, m, v : 64)
    for (long i = 0; i < n; i++) {
        m[i] = .9f * m[i] + .1f * g[i];
        v[i] = .999f * v[i] + .001f * g[i] * g[i];
        p[i] = (1 - 1e-6f) * p[i] - 1e-4f * (m[i] / (sqrtf(v[i]) + 1e-8f));
    }
}

int main(int count, char **arguments) {
    long n = (count > 1 ? atol(arguments[1]) : 50000000) / 16 * 16;
    int runs = count > 2 ? atoi(arguments[2]) : 31;
    float *arrays[4];
    for (int a = 0; a < 4; a++) {
        arrays[a] = aligned_alloc(2 << 20, ((n * 4 >> 21) + 1) << 21);
        if (!arrays[a])
            return 1;
        if (getenv("HUGE"))
            madvise(arrays[a], n * 4, MADV_HUGEPAGE);
#pragma omp parallel for schedule(static)
        for (long i = 0; i < n; i++)
            arrays[a][i] = a == 1 ? 1e-3f : 1;
    }

    double seconds[runs];
    for (int run = -1; run < runs; run++) {
        double start = omp_get_wtime();
        pass(arrays[0], arrays[1], arrays[2], arrays[3], n);
        if (run >= 0)
            seconds[run] = omp_get_wtime() - start;
    }

    qsort(seconds, runs, sizeof *seconds, ascending);
    printf("{\"parameters\":%ld,\"threads\":%d,\"best_gb_per_second\":%.1f,\"median_gb_per_second\":%.1f}\n",
        n, omp_get_max_threads(), 28e-9 * n / seconds[0], 28e-9 * n / seconds[runs / 2]);
}
