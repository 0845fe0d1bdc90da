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

// Noise is a hash of seed, salt and place, as in kernels/steps_dropout.hpp: equal on every device.
// batch: the batch's seed and its number; own: a layer's seed + 1, or 0.
RESPNET_KERNEL(dropout_mask)(R *y, const unsigned long long *batch, unsigned long long own,
                             unsigned salt, double rate, long long n) {
    RESPNET_INDEX(n)
    const unsigned hash = gpu::mixed((unsigned)i ^ gpu::noise_key(batch, own, salt));
    y[i] = hash >= (unsigned)(rate * 4294967296.0) ? R(1 / (1 - rate)) : R(0);
}

// Uniform numbers from 0 to below 1.
RESPNET_KERNEL(uniform)(R *y, const unsigned long long *batch, unsigned long long own,
                        unsigned salt, long long n) {
    RESPNET_INDEX(n)
    y[i] = R((gpu::mixed((unsigned)i ^ gpu::noise_key(batch, own, salt)) >> 8) / 16777216.0);
}

// Normal numbers (Box and Muller 1958).
RESPNET_KERNEL(normal)(R *y, const unsigned long long *batch, unsigned long long own,
                       unsigned salt, double mean, double deviation, long long n) {
    RESPNET_INDEX(n)
    const unsigned key = gpu::noise_key(batch, own, salt);
    const double first = gpu::mixed((unsigned)(2 * i) ^ key);
    const double second = gpu::mixed((unsigned)(2 * i + 1) ^ key);
    const double size = ::sqrt(-2 * ::log((first + 1) / 4294967296.0));
    y[i] = R(mean + deviation * size * ::cos(6.283185307179586 * second / 4294967296.0));
}

// y (N, tokens): 1 at x, 0 elsewhere
RESPNET_KERNEL(one_hot)(const R *x, long long tokens, R *y, R *fault, long long n) {
    RESPNET_INDEX(n)
    const R word = x[i / tokens];
    const bool known = word >= 0 && word < tokens && word == floor(word);
    if (!known && i % tokens == 0) {
        fault[1] = word;
        fault[2] = tokens - 1;
        fault[0] = 1;
    }
    y[i] = known && (long long)word == i % tokens ? R(1) : R(0);
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
