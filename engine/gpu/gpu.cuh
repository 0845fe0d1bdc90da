// What every CUDA source begins with: the formulas, the hash of dropout.
#pragma once

#include "math.cuh"

#include "formulas.hpp"

// i: the number of this thread; threads beyond the last number end here.
#define RESPNET_INDEX(n)                                                                           \
    const long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;                          \
    if (i >= n) return;

namespace gpu {

// An invertible mix of 32 bits, as in kernels/steps_dropout.hpp.
RESPNET_DEVICE unsigned mixed(unsigned h) {
    h ^= h >> 16;
    h *= 0x7feb352du;
    h ^= h >> 15;
    h *= 0x846ca68bu;
    return h ^ (h >> 16);
}

// splitmix64 (Steele, Lea, Flood 2014)
RESPNET_DEVICE unsigned long long next_seed(unsigned long long seed) {
    unsigned long long z = seed + 0x9e3779b97f4a7c15ull;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}
RESPNET_DEVICE unsigned noise_key(const unsigned long long *batch, unsigned long long own,
                                  unsigned salt) {
    const unsigned long long seed = own ? next_seed(own - 1 + batch[1]) : batch[0];
    return mixed((unsigned)seed ^ mixed((unsigned)(seed >> 32) + salt));
}

template <class V> RESPNET_DEVICE V activated(int number, V x) {
    V y = x;
    with_activation(number, [&](auto f) { y = f.forward(x); });
    return y;
}
// dx of an activation whose slope can be had from its value y.
template <class V> RESPNET_DEVICE V slope(int number, V y, V dy) {
    V dx = dy;
    with_activation(number, [&](auto f) { dx = f.backward(y, y, dy); });
    return dx;
}

} // namespace gpu
