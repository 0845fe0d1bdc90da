/* A lowered program and a batch to run it on. */
#ifndef RESPNET_PROGRAM_H
#define RESPNET_PROGRAM_H

#include "abi.h"

enum { RESPNET_EXTERNALS = MAX_SPACES - SPACE_EXTERNAL, RESPNET_MAX_SLOTS = 64 };

typedef struct {
    respnet_step *prepare, *steps, *update; /* packs; one sub-batch; optimizer */
    respnet_step *counting; /* of all sub-batches, before any loss: where places may not count */
    int prepares, count, updates, countings;
    int lanes;           /* layout of work buffers and staged externals */
    int64_t rows;        /* of a sub-batch, at most */
    int64_t element;     /* bytes of a number */
    int64_t work, packs; /* numbers */
    int64_t trainable;   /* length of the gradient vector */
    int externals;
    int64_t columns[RESPNET_EXTERNALS]; /* numbers per row of each external */
    int terms;                          /* losses */
    int64_t places[MAX_TERMS];          /* of one row of each one's output; 0: they are counted */
    double weight[MAX_TERMS];
} respnet_program;

typedef struct {
    const respnet_program *program;
    respnet_frame *frames; /* one a slot */
    char *const *external;
    int64_t batch;
    int slots;
    int counting; /* the slots run the counting steps */
} respnet_batch;

#endif
