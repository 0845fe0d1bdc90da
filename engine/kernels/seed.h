/* Seeds of the random numbers of a batch. */
#ifndef RESPNET_SEED_H
#define RESPNET_SEED_H

#include <stdint.h>

static inline uint64_t next_seed(uint64_t seed) { /* splitmix64 (Steele, Lea, Flood 2014) */
    uint64_t z = seed + 0x9e3779b97f4a7c15ull;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

#endif
