// Losses: the formulas of kernels/formulas_loss.hpp, one number or one row a thread.
//
// value: of each number or row; slope (B,O): its derivative. weight (B) or null, of rows; share:
// what one place weighs in the value, and factor in what is trained; scale: the weight of the loss
// in the total; option, gamma, alpha: loss::options.

RESPNET_KERNEL(pointwise_loss)(const R *prediction, const R *target, const R *weight,
                               const R *share, const R *factor, R *value, R *slope,
                               double scale, double option, double gamma, double alpha,
                               int number, long long outputs, long long n) {
    RESPNET_INDEX(n)
    R d = 0, loss = 0;
    gpu::with_loss(number, [&](auto f) {
        loss = f.value_and_gradient(prediction[i], target[i], d,
                                    gpu::loss::options<R>{R(option), R(gamma), R(alpha)});
    });
    const R w = (weight ? weight[i / outputs] : R(1)) / R(outputs);
    value[i] = loss * w * *share;
    slope[i] = d * w * *factor * R(scale);
}

struct row_of_R {
    const R *prediction, *target;
    R *slope, factor;
    __device__ R p(long long o) const { return prediction[o]; }
    __device__ R t(long long o) const { return target[o]; }
    __device__ void d(long long o, R v) { slope[o] = v; }
    __device__ R d(long long o) const { return slope[o]; }
    __device__ void scale(long long o, R v) { slope[o] = v * factor; }
};

// targets: numbers a row has of them, O or 1
RESPNET_KERNEL(row_loss)(const R *prediction, const R *target, const R *weight, const R *share,
                         const R *factor, R *value, R *slope, double scale, double option,
                         double gamma, double alpha, int number, long long outputs,
                         long long targets, long long n) {
    RESPNET_INDEX(n)
    const R w = weight ? weight[i] : R(1);
    row_of_R row{prediction + i * outputs, target + i * targets, slope + i * outputs,
                 w * *factor * R(scale)};
    R loss = 0;
    gpu::with_row_loss(number, [&](auto f) {
        loss = decltype(f)::template of_row<R>(
            outputs, row, gpu::loss::options<R>{R(option), R(gamma), R(alpha)});
    });
    value[i] = loss * w * *share;
}
