#define RESPNET_LEVEL avx2
#define RESPNET_LEVEL_NAME "avx2"
#define RESPNET_LEVEL_INIT PyInit_level_avx2
#define RESPNET_VECTOR_BYTES 32
#include "level.hpp"
