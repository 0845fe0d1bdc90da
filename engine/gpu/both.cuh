// Compiles the kernels of RESPNET_BODY twice: for float and for double. In a body, R is the type
// and RESPNET_KERNEL(name) begins the kernel name_float or name_double.
#include "gpu.cuh"

#define R float
#define row_of_R row_of_float
#define RESPNET_KERNEL(name) extern "C" __global__ void name##_float
#include RESPNET_BODY
#undef R
#undef row_of_R
#undef RESPNET_KERNEL

#define R double
#define row_of_R row_of_double
#define RESPNET_KERNEL(name) extern "C" __global__ void name##_double
#include RESPNET_BODY
#undef R
#undef row_of_R
#undef RESPNET_KERNEL
