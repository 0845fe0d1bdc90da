// Optimizer steps: the rules of kernels/formulas.hpp, one weight a thread.
//
// c: the constants of engine/optimizers.py in the op's order, with what depends on the number of
// the step made by the caller (engine/gpu/optimizers.py). fault[0] not 0: the batch could not be
// read, and the weights stay as they are.

#define RESPNET_WEIGHT                                                                             \
    RESPNET_INDEX(n)                                                                               \
    if (fault[0] != 0) return;

// losses: of this batch, of the one before
RESPNET_KERNEL(rprop_step)(const R *g, R *w, R *step, R *previous, R *delta, const double *c,
                           const double *losses, const R *fault, long long n) {
    RESPNET_WEIGHT
    const bool grew = c[5] != 0 || losses[0] > losses[1];
    const gpu::optimizer::rprop<R> rule{R(c[0]), R(c[1]), R(c[3]), R(c[2])};
    rule.update(w[i], g[i] + R(c[6]) * w[i], previous[i], step[i], delta[i], grew);
}

RESPNET_KERNEL(sgd_step)(const R *g, R *w, R *velocity, const double *c, const R *fault,
                         long long n) {
    RESPNET_WEIGHT
    w[i] -= R(c[3]) * w[i];
    const gpu::optimizer::sgd<R> rule{R(c[0]), R(c[1]), c[2] != 0};
    rule.update(w[i], g[i], velocity[i]);
}

RESPNET_KERNEL(rmsprop_step)(const R *g, R *w, R *square, R *velocity, R *mean, const double *c,
                             const R *fault, long long n) {
    RESPNET_WEIGHT
    w[i] -= R(c[4]) * w[i];
    const gpu::optimizer::rmsprop<R> rule{R(c[0]), R(c[1]), R(c[3]), R(c[2])};
    if (mean) rule.update_centered(w[i], g[i], square[i], mean[i], velocity[i]);
    else rule.update(w[i], g[i], square[i], velocity[i]);
}

// c: rate of the step, beta_1, beta_2, epsilon, decay
RESPNET_KERNEL(adam_step)(const R *g, R *w, R *mean, R *square, const double *c, const R *fault,
                          long long n) {
    RESPNET_WEIGHT
    const gpu::optimizer::adam<R> rule{R(c[0]), R(c[1]), R(c[2]), R(c[3]), R(c[4])};
    rule.update(w[i], g[i], mean[i], square[i]);
}

RESPNET_KERNEL(amsgrad_step)(const R *g, R *w, R *mean, R *square, R *largest, const double *c,
                             const R *fault, long long n) {
    RESPNET_WEIGHT
    const gpu::optimizer::adam<R> rule{R(c[0]), R(c[1]), R(c[2]), R(c[3]), R(c[4])};
    rule.update_amsgrad(w[i], g[i], mean[i], square[i], largest[i]);
}

RESPNET_KERNEL(adagrad_step)(const R *g, R *w, R *square, const double *c, const R *fault,
                             long long n) {
    RESPNET_WEIGHT
    w[i] -= R(c[3]) * w[i];
    const gpu::optimizer::adagrad<R> rule{R(c[0]), R(c[2])};
    rule.update(w[i], g[i], square[i]);
}

RESPNET_KERNEL(adadelta_step)(const R *g, R *w, R *square, R *change, const double *c,
                              const R *fault, long long n) {
    RESPNET_WEIGHT
    w[i] -= R(c[3]) * w[i];
    const gpu::optimizer::adadelta<R> rule{R(c[0]), R(c[1]), R(c[2])};
    rule.update(w[i], g[i], square[i], change[i]);
}

// c: rate of the step, beta_1, beta_2, epsilon, decay
RESPNET_KERNEL(adamax_step)(const R *g, R *w, R *mean, R *largest, const double *c, const R *fault,
                            long long n) {
    RESPNET_WEIGHT
    w[i] -= R(c[4]) * w[i];
    const gpu::optimizer::adamax<R> rule{R(c[0]), R(c[1]), R(c[2]), R(c[3])};
    rule.update(w[i], g[i], mean[i], largest[i]);
}

// c: factors of mean and gradient, 1 / (1 - beta_2^t), beta_1, beta_2, epsilon, decay
RESPNET_KERNEL(nadam_step)(const R *g, R *w, R *mean, R *square, const double *c, const R *fault,
                           long long n) {
    RESPNET_WEIGHT
    w[i] -= R(c[6]) * w[i];
    const gpu::optimizer::nadam<R> rule{R(c[0]), R(c[1]), R(c[2]), R(c[3]), R(c[4]), R(c[5])};
    rule.update(w[i], g[i], mean[i], square[i]);
}

#undef RESPNET_WEIGHT
