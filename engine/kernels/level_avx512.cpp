#define RESPNET_LEVEL avx512
#define RESPNET_LEVEL_NAME "avx512"
#define RESPNET_LEVEL_INIT PyInit_level_avx512
#define RESPNET_VECTOR_BYTES 64
#include "level.hpp"
