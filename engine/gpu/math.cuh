// The primitives formulas.hpp is written with, for one number on the GPU: what math.hpp supplies
// for vectors on the CPU.
#pragma once

#ifdef __CUDACC_RTC__ // NVRTC has no headers of its own
typedef long long int64_t;
#else
#include <stdint.h>
#endif

#define RESPNET_LEVEL gpu
#define RESPNET_DEVICE static __device__ __forceinline__

namespace gpu {

template <class V> RESPNET_DEVICE V splat(double x) { return V(x); }
template <class V> RESPNET_DEVICE bool less(V a, V b) { return a < b; }
template <class V> RESPNET_DEVICE V select(bool mask, V a, V b) { return mask ? a : b; }
template <class V> RESPNET_DEVICE V minimum(V x, V bound) { return bound < x ? bound : x; }
template <class V> RESPNET_DEVICE V maximum(V x, V bound) { return x < bound ? bound : x; }
template <class V> RESPNET_DEVICE V abs(V x) { return x < V(0) ? -x : x; }
template <class V> RESPNET_DEVICE V sqrt(V x) { return ::sqrt(x); }
template <class V> RESPNET_DEVICE V multiply_add(V a, V b, V c) { return ::fma(a, b, c); }
template <class V> RESPNET_DEVICE V exp(V x) { return ::exp(x); }
template <class V> RESPNET_DEVICE V expm1(V x) { return ::expm1(x); }
template <class V> RESPNET_DEVICE V log(V x) { return ::log(x); }
template <class V> RESPNET_DEVICE V tanh(V x) { return ::tanh(x); }
template <class V> RESPNET_DEVICE V erf(V x) { return ::erf(x); }
template <class V> RESPNET_DEVICE V sigmoid(V x) { return V(1) / (V(1) + ::exp(-x)); }
template <class V> RESPNET_DEVICE V log1p_exp(V x) {
    return maximum(x, V(0)) + ::log1p(::exp(-abs(x)));
}

} // namespace gpu
