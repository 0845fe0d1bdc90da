#define RESPNET_BODY "elementwise.cuh"
#include "both.cuh"
