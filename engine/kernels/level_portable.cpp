#define RESPNET_LEVEL portable
#define RESPNET_LEVEL_NAME "portable"
#define RESPNET_LEVEL_INIT PyInit_level_portable
#define RESPNET_VECTOR_BYTES 16
#include "level.hpp"
