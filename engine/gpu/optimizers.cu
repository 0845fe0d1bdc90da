#define RESPNET_BODY "optimizers.cuh"
#include "both.cuh"
