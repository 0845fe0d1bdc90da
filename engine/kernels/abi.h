/* What the executor and the kernels agree on; plain C, the same for every instruction set.
 *
 * A program is a list of steps. A step names its operands as (space, offset) pairs, so the same
 * immutable program runs on any number of frames (threads, sub-batches) at once: a frame holds one
 * base address per space. Kernels read sizes from `dim`, and the number of rows from the frame.
 */
#ifndef RESPNET_ABI_H
#define RESPNET_ABI_H

#include <stdint.h>

enum { MAX_OPERANDS = 24, MAX_DIMS = 16, MAX_CONSTANTS = 8, MAX_SPACES = 32, MAX_TERMS = 12 };

/* Spaces a frame has addresses for. Externals (inputs, targets, outputs) follow WORK. */
enum {
    SPACE_NONE = -1, /* an optional operand that is absent */
    SPACE_PARAMETERS = 0,
    SPACE_PACKS = 1,     /* packed copies of parameters, remade when these change */
    SPACE_GRADIENTS = 2, /* same layout as the parameters */
    SPACE_STATE = 3,     /* optimizer state: slots of the size of the parameters */
    SPACE_WORK = 4,      /* planned buffers of one sub-batch */
    SPACE_EXTERNAL = 5
};

typedef struct respnet_step respnet_step;
typedef struct respnet_frame respnet_frame;
typedef void (*respnet_kernel)(const respnet_step *, respnet_frame *);

struct respnet_step {
    respnet_kernel run;
    int32_t space[MAX_OPERANDS];
    int64_t offset[MAX_OPERANDS]; /* in elements of the program's dtype */
    int64_t dim[MAX_DIMS]; /* the last one: rows along the last axis in a row of the batch */
    double constant[MAX_CONSTANTS];
    int64_t times; /* rows of the step in one row of the batch; more than 1 in TimeDistributed */
};

/* One loss of a program, over the places of its output that count: not masked, not ignored. */
typedef struct {
    double count;  /* of those places in the whole batch; known before the steps run */
    double loss;   /* mean over them, added to by loss steps */
    double metric; /* likewise, by metric steps */
} respnet_term;

struct respnet_frame {
    char *base[MAX_SPACES];
    int64_t rows;      /* rows of this sub-batch, at most the program's */
    int64_t first_row; /* index of the first of them within the batch */
    int64_t batch;     /* rows of the whole batch; gradients are means over it */
    uint64_t seed;     /* of the random numbers of this batch (dropout) */
    int64_t stride;    /* distance of two columns in the lanes layout: the program's rows */
    int64_t accumulate; /* 0: the first sub-batch writes gradients, later ones add */
    int64_t t;         /* number of the optimizer step, from 1 */
    double previous_loss; /* of the batch before, for RPROP's backtracking */
    double loss;       /* of the batch: the weighted sum of its terms, and penalties */
    respnet_term term[MAX_TERMS];
    int64_t turn;      /* steps of time done: every other one reads the weights backwards */
    int64_t fault;     /* set by a step that was given what it cannot take ... */
    double fault_value, fault_limit; /* ... what it was, and what is wanted */
};

/* Faults: the executor turns them into errors. */
enum {
    FAULT_EMBEDDING = 1, /* a number outside the table */
    FAULT_PYTHON = 2,    /* an exception; fault_value is the address of the frame it was in */
    FAULT_TOKEN = 3      /* a number beyond the tokens of an encoding */
};

typedef struct {
    const char *name; /* an op of engine/ops.py, with the suffix of its variant */
    respnet_kernel float32, float64;
} respnet_entry;

/* Numbers a packed kernel (inputs I, outputs O) takes, and the workspace of dense_backward. */
typedef struct {
    int64_t (*wide)(int64_t I, int64_t O);
    int64_t (*panels)(int64_t I, int64_t O);
    int64_t (*workspace)(int64_t I, int64_t O, int64_t rows);
} respnet_sizes;

typedef struct {
    const char *name;     /* "portable", "avx2", "avx512" */
    int32_t vector_bytes; /* of one register */
    int32_t count;
    const respnet_entry *entries;
    respnet_sizes float32, float64;
    int32_t activation_count;
    const char *const *activations; /* names in the order of their numbers */
} respnet_level;

#define RESPNET_LEVEL_CAPSULE "respnet.level"

#endif
