#define RESPNET_BODY "losses.cuh"
#include "both.cuh"
