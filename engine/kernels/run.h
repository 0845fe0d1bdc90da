/* The CPU executor: walks a program over sub-batches. No Python, no allocation. */
#ifndef RESPNET_RUN_H
#define RESPNET_RUN_H

#include <string.h>

#include "flush.h"
#include "pool.h"
#include "program.h"
#include "seed.h"

static inline void run_steps(const respnet_step *steps, int count, respnet_frame *frame) {
    for (int i = 0; i < count; i++) {
        const respnet_step *step = steps + i;
        if (step->times == 1) {
            step->run(step, frame);
            continue;
        }
        const int64_t rows = frame->rows, first_row = frame->first_row;
        frame->rows = rows * step->times;
        frame->first_row = first_row * step->times;
        step->run(step, frame);
        frame->rows = rows;
        frame->first_row = first_row;
    }
}

/* Rows [first, last) of a batch, a sub-batch at a time; first is a multiple of the sub-batch. */
static void run_rows(const respnet_batch *b, respnet_frame *f, int64_t first, int64_t last) {
    const respnet_program *p = b->program;
    char *const *external = b->external;
    for (int64_t row = first; row < last && !f->fault; row += p->rows) {
        f->first_row = row;
        f->rows = last - row < p->rows ? last - row : p->rows;
        for (int i = 0; i < p->externals; i++)
            f->base[SPACE_EXTERNAL + i] =
                external[i] ? external[i] + row * p->columns[i] * p->element : NULL;
        if (b->counting)
            run_steps(p->counting, p->countings, f);
        else
            run_steps(p->steps, p->count, f);
        f->accumulate = 1;
    }
}

static void run_slot(void *context, int slot) {
    respnet_batch *b = (respnet_batch *)context;
    const int64_t rows = b->program->rows, chunks = (b->batch + rows - 1) / rows;
    const int64_t first = chunks * slot / b->slots * rows;
    int64_t last = chunks * (slot + 1) / b->slots * rows;
    respnet_frame *f = b->frames + slot;
    const unsigned before = run_enter();
    if (last > b->batch) last = b->batch;
    f->accumulate = 0;
    f->batch = b->batch;
    run_rows(b, f, first, last);
    run_leave(before);
}

/* Clears the terms of all slots, and sets how many places of the batch count in each. */
static void begin_terms(respnet_batch *b, int threads) {
    const respnet_program *p = b->program;
    for (int i = 0; i < b->slots; i++)
        for (int k = 0; k < p->terms; k++) {
            respnet_term *term = b->frames[i].term + k;
            term->loss = term->metric = 0;
            term->count = (double)(b->batch * p->places[k]);
        }
    b->counting = 0;
    if (!p->countings) return;
    b->counting = 1;
    pool_run(b->slots, threads, run_slot, b);
    b->counting = 0;
    for (int k = 0; k < p->terms; k++) {
        double count = 0;
        if (p->places[k]) continue;
        for (int i = 0; i < b->slots; i++) count += b->frames[i].term[k].count;
        for (int i = 0; i < b->slots; i++) b->frames[i].term[k].count = count;
    }
}

/* Adds the terms of all slots into frame 0, and makes its loss of them. */
static void add_terms(respnet_batch *b) {
    const respnet_program *p = b->program;
    respnet_frame *sum = b->frames;
    sum->loss = 0;
    for (int k = 0; k < p->terms; k++) {
        for (int i = 1; i < b->slots; i++) {
            sum->term[k].loss += b->frames[i].term[k].loss;
            sum->term[k].metric += b->frames[i].term[k].metric;
        }
        sum->loss += p->weight[k] * sum->term[k].loss;
    }
}

/* What is done to all parameters, number by number, a part at a time. */
typedef struct {
    const respnet_program *program;
    respnet_frame *frames;
    int slots;
} respnet_parts;

enum { PART = 1 << 15 };

static inline int parts_of(const respnet_program *p) {
    return (int)((p->trainable + PART - 1) / PART);
}

static inline int64_t part_length(const respnet_program *p, int part) {
    const int64_t left = p->trainable - (int64_t)part * PART;
    return left < PART ? left : PART;
}

static void add_to(char *sum, const char *x, int64_t n, int64_t element) {
    if (element == 4)
        for (int64_t i = 0; i < n; i++) ((float *)sum)[i] += ((const float *)x)[i];
    else
        for (int64_t i = 0; i < n; i++) ((double *)sum)[i] += ((const double *)x)[i];
}

/* A part of the gradients of all slots, added in their order into those of slot 0. */
static void add_part(void *context, int part) {
    const respnet_parts *all = (const respnet_parts *)context;
    const int64_t element = all->program->element, first = (int64_t)part * PART * element;
    const unsigned before = run_enter();
    for (int i = 1; i < all->slots; i++)
        add_to(all->frames[0].base[SPACE_GRADIENTS] + first,
               all->frames[i].base[SPACE_GRADIENTS] + first, part_length(all->program, part),
               element);
    run_leave(before);
}

/* A part of the optimizer's step, the last of the update: all its operands are vectors of all
 * parameters. */
static void update_part(void *context, int part) {
    const respnet_parts *all = (const respnet_parts *)context;
    respnet_step step = all->program->update[all->program->updates - 1];
    const unsigned before = run_enter();
    for (int i = 0; i < MAX_OPERANDS; i++) step.offset[i] += (int64_t)part * PART;
    step.dim[0] = part_length(all->program, part);
    step.run(&step, all->frames);
    run_leave(before);
}

static void prepare_part(void *context, int step) {
    const respnet_parts *all = (const respnet_parts *)context;
    const unsigned before = run_enter();
    run_steps(all->program->prepare + step, 1, all->frames);
    run_leave(before);
}

static inline void take_fault(respnet_frame *to, respnet_frame *from) {
    if (!from->fault) return;
    to->fault = from->fault;
    to->fault_value = from->fault_value;
    to->fault_limit = from->fault_limit;
    from->fault = 0;
}

/* One batch over all slots. Which thread runs a slot is chance; what a slot holds and the order in
 * which slots are added is not, so the same slots give the same bits. The sums end in frame 0. */
static void run_batch(respnet_batch *b, int threads) {
    const respnet_program *p = b->program;
    const int64_t chunks = (b->batch + p->rows - 1) / p->rows;
    const int slots = b->slots;
    if (b->slots > chunks) b->slots = chunks ? (int)chunks : 1;
    begin_terms(b, threads);
    pool_run(b->slots, threads, run_slot, b);
    add_terms(b);
    for (int i = 1; i < b->slots; i++) take_fault(b->frames, b->frames + i);
    if (p->updates && b->slots > 1) {
        respnet_parts all = {p, b->frames, b->slots};
        pool_run(parts_of(p), threads, add_part, &all);
    }
    b->slots = slots;
}

/* The update steps from `first` on: what stands before them was done to the gradients already. */
static void run_update(const respnet_program *p, respnet_frame *f, int first, int threads) {
    respnet_parts all = {p, f, 1};
    const unsigned before = run_enter();
    f->t++;
    if (threads > 1 && first < p->updates && parts_of(p) > 1) {
        run_steps(p->update + first, p->updates - 1 - first, f);
        pool_run(parts_of(p), threads, update_part, &all);
        pool_run(p->prepares, threads, prepare_part, &all);
    } else {
        run_steps(p->update + first, p->updates - first, f);
        run_steps(p->prepare, p->prepares, f);
    }
    f->previous_loss = f->loss;
    run_leave(before);
}

/* Rows order[0..count) of a row-major (N,columns) array, in the layout the program wants. */
static void gather_rows(const respnet_program *p, const char *source, int64_t columns,
                        const int64_t *order, int64_t count, char *out) {
    const int64_t bytes = columns * p->element;
    for (int64_t r = 0; r < count; r++) {
        const char *row = source + order[r] * bytes;
        if (!p->lanes) {
            memcpy(out + r * bytes, row, bytes);
            continue;
        }
        char *block = out + r / p->rows * p->rows * bytes + r % p->rows * p->element;
        for (int64_t c = 0; c < columns; c++)
            memcpy(block + c * p->rows * p->element, row + c * p->element, p->element);
    }
}

/* Loss and gradients of the step that would follow, in frame 0, with that step's random numbers. */
static void run_gradients(respnet_batch *b, int threads) {
    const uint64_t seed = b->frames[0].seed;
    for (int i = 0; i < b->slots; i++) {
        b->frames[i].t = b->frames[0].t;
        b->frames[i].seed = next_seed(seed + b->frames[0].t);
    }
    run_batch(b, threads);
    b->frames[0].seed = seed;
}

/* One optimizer step on a batch that lies in `external`. Returns the loss before the step.
 * A batch with a fault leaves the weights as they are; penalties join the loss in the update. */
static double run_training_step(respnet_batch *b, int threads) {
    run_gradients(b, threads);
    if (!b->frames[0].fault) run_update(b->program, b->frames, 0, threads);
    return b->frames[0].loss;
}

/* The terms of one more batch, for means over rows (losses) and over what counts (metrics). */
static void add_seen(const respnet_batch *b, respnet_term *seen) {
    for (int k = 0; k < b->program->terms; k++) {
        const respnet_term *term = b->frames[0].term + k;
        seen[k].loss += term->loss * (double)b->batch;
        seen[k].metric += term->metric * term->count;
        seen[k].count += term->count;
    }
}

/* One epoch in minibatches: rows `order` of the arrays in `data` are gathered into b->external.
 * An external without data is an output: its buffer holds the last batch. Stops early when *cancel
 * is set. Returns the mean loss over the rows that were seen, and in `seen` the means of terms. */
static double run_epoch(respnet_batch *b, int threads, char *const *data, const int64_t *order,
                        int64_t n, int64_t size, const volatile int *cancel, respnet_term *seen) {
    const respnet_program *p = b->program;
    double sum = 0;
    int64_t rows = 0;
    memset(seen, 0, sizeof(respnet_term) * MAX_TERMS);
    for (int64_t first = 0; first < n && !*cancel && !b->frames[0].fault; first += size) {
        b->batch = n - first < size ? n - first : size;
        for (int i = 0; i < p->externals; i++)
            if (data[i])
                gather_rows(p, data[i], p->columns[i], order + first, b->batch, b->external[i]);
        sum += run_training_step(b, threads) * (double)b->batch;
        add_seen(b, seen);
        rows += b->batch;
    }
    if (!rows) return 0;
    for (int k = 0; k < p->terms; k++) {
        seen[k].loss /= (double)rows;
        seen[k].metric = seen[k].count > 0 ? seen[k].metric / seen[k].count : 0;
    }
    return sum / (double)rows;
}

#endif
