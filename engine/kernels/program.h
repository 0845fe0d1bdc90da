/* A lowered program and a batch to run it on. */
#ifndef RESPNET_PROGRAM_H
#define RESPNET_PROGRAM_H

#include "abi.h"

enum { RESPNET_EXTERNALS = MAX_SPACES - SPACE_EXTERNAL, RESPNET_MAX_SLOTS = 64 };

typedef struct {
    respnet_step *prepare, *steps, *update; /* packs; one sub-batch; optimizer */
    int prepares, count, updates;
    int lanes;           /* layout of work buffers and staged externals */
    int64_t rows;        /* of a sub-batch, at most */
    int64_t element;     /* bytes of a number */
    int64_t work, packs; /* numbers */
    int64_t trainable;   /* length of the gradient vector */
    int externals;
    int64_t columns[RESPNET_EXTERNALS]; /* numbers per row of each external */
} respnet_program;

typedef struct {
    const respnet_program *program;
    respnet_frame *frames; /* one a slot */
    char *const *external;
    int64_t batch;
    int slots;
} respnet_batch;

#endif
