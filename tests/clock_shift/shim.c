/* A wall clock that can be set for a few processes alone, put before the C library with LD_PRELOAD: whoever asks what time it is
   gets the kernel's answer plus the seconds in OFFSET_FILE, a mapped int64, and whoever waits until a moment of that clock (as
   PortAudio does for its threads) waits by the same one. The monotonic clock is left alone. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { YEAR_2001 = 1000000000 }; /* No monotonic clock shows as many seconds. */

static const volatile int64_t *offset_s;
static int (*real_clock_gettime)(clockid_t, struct timespec *);

__attribute__((constructor)) static void map_offset(void) {
    int file = open(OFFSET_FILE, O_RDONLY | O_CLOEXEC);
    void *mapped = file < 0 ? MAP_FAILED : mmap(NULL, sizeof *offset_s, PROT_READ, MAP_SHARED, file, 0);
    if (mapped == MAP_FAILED) abort();
    close(file);
    real_clock_gettime = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    offset_s = mapped;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    if (!offset_s) map_offset(); /* asked by another library's constructor */
    int failed = real_clock_gettime(clock, now);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += *offset_s;
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    (void)zone;
    struct timespec precise;
    clock_gettime(CLOCK_REALTIME, &precise);
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *now) {
    struct timespec precise;
    clock_gettime(CLOCK_REALTIME, &precise);
    if (now) *now = precise.tv_sec;
    return precise.tv_sec;
}

int pthread_cond_timedwait(pthread_cond_t *restrict cond, pthread_mutex_t *restrict mutex, const struct timespec *restrict end) {
    if (end->tv_sec < YEAR_2001) return pthread_cond_clockwait(cond, mutex, CLOCK_MONOTONIC, end);
    struct timespec shifted = {.tv_sec = end->tv_sec - *offset_s, .tv_nsec = end->tv_nsec};
    return pthread_cond_clockwait(cond, mutex, CLOCK_REALTIME, &shifted);
}
