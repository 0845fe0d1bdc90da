/* The floating-point mode kernels run in. */
#ifndef RESPNET_FLUSH_H
#define RESPNET_FLUSH_H

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* Subnormal numbers are flushed to zero while kernels run: the same answer at every speed. */
static inline unsigned run_enter(void) {
#if defined(__x86_64__)
    unsigned before = _mm_getcsr();
    if ((before & 0x8040) != 0x8040) _mm_setcsr(before | 0x8040);
    return before;
#else
    return 0;
#endif
}
static inline void run_leave(unsigned before) {
#if defined(__x86_64__)
    if ((before & 0x8040) != 0x8040) _mm_setcsr(before);
#else
    (void)before;
#endif
}
/* Within a run: subnormal numbers as anywhere else, until run_enter is called again. */
static inline void run_pause(void) {
#if defined(__x86_64__)
    _mm_setcsr(_mm_getcsr() & ~0x8040u);
#endif
}

#endif
