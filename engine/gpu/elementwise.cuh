// Elementwise ops: the formulas of kernels/formulas.hpp, one number a thread.

RESPNET_KERNEL(activation_forward)(const R *x, R *y, int activation, long long n) {
    RESPNET_INDEX(n)
    y[i] = gpu::activated(activation, x[i]);
}

// y = activation(y + bias), bias (columns) or null
RESPNET_KERNEL(bias_activation)(R *y, const R *bias, long long columns, int activation,
                                long long n) {
    RESPNET_INDEX(n)
    y[i] = gpu::activated(activation, bias ? y[i] + bias[i % columns] : y[i]);
}

RESPNET_KERNEL(activation_backward)(const R *x, const R *y, const R *dy, R *dx, int activation,
                                    long long n) {
    RESPNET_INDEX(n)
    gpu::with_activation(activation, [&](auto f) {
        dx[i] = f.backward(x ? x[i] : y[i], y[i], dy[i]);
    });
}

// The hash of kernels/steps_dropout.hpp: equal masks on every device.
RESPNET_KERNEL(dropout_mask)(R *y, const unsigned long long *seed, unsigned salt, double rate,
                             long long n) {
    RESPNET_INDEX(n)
    const unsigned key =
        gpu::mixed((unsigned)*seed ^ gpu::mixed((unsigned)(*seed >> 32) + salt));
    const bool kept = gpu::mixed((unsigned)i ^ key) >= (unsigned)(rate * 4294967296.0);
    y[i] = kept ? R(1 / (1 - rate)) : R(0);
}

// y (N, units) = table[x]; a number outside of the table is noted in fault: 1, the number.
RESPNET_KERNEL(embedding_forward)(const R *x, const R *table, long long units, long long words,
                                  R *y, R *fault, long long n) {
    RESPNET_INDEX(n)
    const R word = x[i / units];
    const bool known = word >= 0 && word < words && word == floor(word);
    if (!known && i % units == 0) {
        fault[1] = word;
        fault[2] = words - 1;
        fault[0] = 1;
    }
    y[i] = known ? table[(long long)word * units + i % units] : R(0);
}

RESPNET_KERNEL(embedding_backward)(const R *x, const R *dy, long long units, long long words,
                                   R *dtable, long long n) {
    RESPNET_INDEX(n)
    const R word = x[i / units];
    if (word >= 0 && word < words) atomicAdd(dtable + (long long)word * units + i % units, dy[i]);
}
