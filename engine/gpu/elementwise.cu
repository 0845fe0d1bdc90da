// Elementwise ops on the GPU: the formulas of kernels/formulas.hpp, one number a thread.
// Names: <op>_<activation>_<type>. Compiled to PTX everywhere, run where there is a GPU.
#include "math.cuh"

#include "../kernels/formulas.hpp"

#define RESPNET_INDEX                                                                              \
    const long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;                          \
    if (i >= n) return;

#define RESPNET_ACTIVATION(name, type)                                                             \
    extern "C" __global__ void activation_forward_##name##_##type(const type *x, type *y,          \
                                                                  long long n) {                   \
        RESPNET_INDEX y[i] = gpu::activation::name::forward(x[i]);                                 \
    }                                                                                              \
    extern "C" __global__ void activation_backward_##name##_##type(                                \
        const type *x, const type *y, const type *dy, type *dx, long long n) {                     \
        RESPNET_INDEX dx[i] = gpu::activation::name::backward(x ? x[i] : y[i], y[i], dy[i]);       \
    }
#define RESPNET_BOTH(name) RESPNET_ACTIVATION(name, float) RESPNET_ACTIVATION(name, double)
RESPNET_ACTIVATIONS(RESPNET_BOTH)

#define RESPNET_OPTIMIZERS(type)                                                                   \
    extern "C" __global__ void rprop_step_##type(const type *g, type *w, type *step,               \
                                                 type *previous, type *delta,                      \
                                                 gpu::optimizer::rprop<type> rule, bool grew,      \
                                                 long long n) {                                    \
        RESPNET_INDEX rule.update(w[i], g[i], previous[i], step[i], delta[i], grew);               \
    }                                                                                              \
    extern "C" __global__ void adam_step_##type(const type *g, type *w, type *mean, type *square,  \
                                                gpu::optimizer::adam<type> rule, long long n) {    \
        RESPNET_INDEX rule.update(w[i], g[i], mean[i], square[i]);                                 \
    }
RESPNET_OPTIMIZERS(float)
RESPNET_OPTIMIZERS(double)
