#define RESPNET_BODY "recurrent.cuh"
#include "both.cuh"
