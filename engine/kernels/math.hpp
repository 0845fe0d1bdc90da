// Elementary functions of whole vectors, in the names formulas.hpp is written with.
//
// V is R, vec<R> or wide<R>; a V wider than a register is cut into registers, so a lane gets the
// same bits whatever V it is computed in. No branches: special cases are selected at the end. NaN
// goes through (maximum and minimum: if it is the first argument), infinities give the limits,
// results too large are infinite, subnormal ones count as zero. Argument reductions are those of
// Cody & Waite (exp) and FreeBSD's msun (log); polynomials are Chebyshev fits made with 40 digits.
// Errors in units of the last place are asserted by tests/test_kernels_math.py.
#pragma once

#include "vector.hpp"

namespace RESPNET_LEVEL {

// ------------------------------------------------------------------------ registers of a wide V

template <class V>
constexpr bool IS_CUT = traits<V>::lanes > 1 && (int)sizeof(V) > RESPNET_VECTOR_BYTES;

template <class E> struct register_of {
    typedef E type __attribute__((vector_size(RESPNET_VECTOR_BYTES)));
};
template <class T> struct element { typedef T type; };
template <class T> struct element<T &> { typedef T type; };

template <class V> RESPNET_INLINE auto piece(const V &x, int i) {
    typename register_of<typename element<decltype(V{}[0])>::type>::type p;
    memcpy(&p, (const char *)&x + i * sizeof p, sizeof p);
    return p;
}

// f of each register of the arguments, put together again as one T.
template <class T, class F, class... A> RESPNET_INLINE T by_register(F f, A... x) {
    T result;
    RESPNET_UNROLL for (int i = 0; i < (int)sizeof(T) / RESPNET_VECTOR_BYTES; i++) {
        const auto r = f(piece(x, i)...);
        memcpy((char *)&result + i * sizeof r, &r, sizeof r);
    }
    return result;
}
#define RESPNET_BY_REGISTER(T, function, ...)                                                      \
    by_register<T>([](auto... part) { return function(part...); }, __VA_ARGS__)

// ----------------------------------------------------------------------------------- primitives

template <class V> RESPNET_INLINE mask_of<V> bits(V x) {
    mask_of<V> b;
    memcpy(&b, &x, sizeof b);
    return b;
}
template <class V> RESPNET_INLINE V from_bits(mask_of<V> b) {
    V x;
    memcpy(&x, &b, sizeof x);
    return x;
}

// Masks have all bits of a lane set (true) or none. NaN is neither less nor equal.
template <class V> RESPNET_INLINE mask_of<V> less(V a, V b) {
    if constexpr (traits<V>::lanes == 1) return a < b ? -1 : 0;
    else if constexpr (IS_CUT<V>) return RESPNET_BY_REGISTER(mask_of<V>, less, a, b);
    else return a < b;
}
template <class V> RESPNET_INLINE mask_of<V> less_equal(V a, V b) {
    if constexpr (traits<V>::lanes == 1) return a <= b ? -1 : 0;
    else if constexpr (IS_CUT<V>) return RESPNET_BY_REGISTER(mask_of<V>, less_equal, a, b);
    else return a <= b;
}

// Lanes of a where the mask is set, of b elsewhere.
template <class V> RESPNET_INLINE V select(mask_of<V> mask, V a, V b) {
    if constexpr (IS_CUT<V>) return from_bits<V>((mask & bits(a)) | (~mask & bits(b)));
    else return mask ? a : b;
}

// NaN in x stays; NaN in the bound does not count.
template <class V> RESPNET_INLINE V maximum(V x, V bound) {
    return select(less(x, bound), bound, x);
}
template <class V> RESPNET_INLINE V minimum(V x, V bound) {
    return select(less(bound, x), bound, x);
}

template <class V> constexpr int DIGITS = sizeof(real_of<V>) == 4 ? 23 : 52; // of the mantissa
template <class V> constexpr int BIAS = sizeof(real_of<V>) == 4 ? 127 : 1023;

template <class V> RESPNET_INLINE mask_of<V> sign_bit(V x) {
    constexpr auto sign = (typename integer_of<real_of<V>>::type)1 << (sizeof(real_of<V>) * 8 - 1);
    return bits(x) & sign;
}
template <class V> RESPNET_INLINE V abs(V x) { return from_bits<V>(bits(x) ^ sign_bit(x)); }
template <class V> RESPNET_INLINE V with_sign_of(V size, V x) {
    return from_bits<V>(bits(size) | sign_bit(x));
}

// Unsigned: AVX2 has no arithmetic shift of 64-bit lanes.
template <class V> RESPNET_INLINE mask_of<V> exponent_bits(mask_of<V> b) {
    if constexpr (traits<V>::lanes == 1) return b >> DIGITS<V>;
    else return (mask_of<V>)((unsigned_mask_of<V>)b >> DIGITS<V>);
}

template <class V> RESPNET_INLINE V sqrt(V x) {
    if constexpr (IS_CUT<V>) return RESPNET_BY_REGISTER(V, sqrt, x);
    else if constexpr (sizeof(V) == 4) return __builtin_sqrtf(x);
    else if constexpr (sizeof(V) == 8) return __builtin_sqrt(x);
#if defined(__AVX512F__)
    else if constexpr (sizeof(real_of<V>) == 4) return (V)_mm512_maskz_sqrt_ps(-1, (__m512)x);
    else return (V)_mm512_maskz_sqrt_pd(-1, (__m512d)x);
#elif defined(__AVX__)
    else if constexpr (sizeof(real_of<V>) == 4) return (V)_mm256_sqrt_ps((__m256)x);
    else return (V)_mm256_sqrt_pd((__m256d)x);
#elif defined(__SSE2__)
    else if constexpr (sizeof(real_of<V>) == 4) return (V)_mm_sqrt_ps((__m128)x);
    else return (V)_mm_sqrt_pd((__m128d)x);
#else
    else {
        RESPNET_UNROLL for (int i = 0; i < traits<V>::lanes; i++) x[i] = sqrt(x[i]);
        return x;
    }
#endif
}

// a b + c, rounded once where the level has FMA. The compiler contracts sums of one product by
// itself; in a sum of two, this says which, so that all levels with FMA give the same bits.
template <class V> RESPNET_INLINE V multiply_add(V a, V b, V c) {
#if !defined(__FMA__)
    return a * b + c;
#else
    if constexpr (IS_CUT<V>) return RESPNET_BY_REGISTER(V, multiply_add, a, b, c);
    else if constexpr (sizeof(V) == 4) return __builtin_fmaf(a, b, c);
    else if constexpr (sizeof(V) == 8) return __builtin_fma(a, b, c);
#if defined(__AVX512F__)
    else if constexpr (sizeof(real_of<V>) == 4)
        return (V)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
    else return (V)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
#else
    else if constexpr (sizeof(real_of<V>) == 4)
        return (V)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
    else return (V)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
#endif
#endif
}

// ------------------------------------------------------------------------------------ constants

// Coefficients from the highest power down; limits of the range of exp.
template <class R> struct constants;

template <> struct constants<float> {
    static constexpr float round_magic = 12582912.0f; // 1.5 * 2^23
    static constexpr float ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;
    static constexpr float largest = 3.40282347e38f, smallest = 1.17549435e-38f;
    static constexpr float infinity = __builtin_inff(), nan = __builtin_nanf("");
    // Logs of these two, the upper one less a rounding: the next number would round up to 2^128.
    static constexpr float exp_high = 88.7228317f, exp_low = -87.3365479f;
    static constexpr float expm1_low = -80, tanh_high = 10, erf_high = 4;
    static constexpr int32_t half_root = 0x3f3504f3; // bits of sqrt(1/2)
    static constexpr float exp[] = {1.98910304e-4f, 1.39336858e-3f, 8.33331048e-3f,
                                    4.1666463e-2f,  1.66666672e-1f, 0.5f};
    static constexpr float log[] = {0.24279078841f, 0.28498786688f, 0.40000972152f,
                                    0.66666662693f};
    static constexpr float erf[] = {7.87587487e-5f, -8.0168643e-4f, 5.18908724e-3f, -2.68542115e-2f,
                                    1.12835944e-1f, -3.7612626e-1f, 1.12837911f};
    static constexpr float erfcx[] = {-3.4323473f, -1.8260864f,  6.4559207f,     0.81196332f,
                                      1.32302856f, 0.547268689f, 6.05118403e-4f};
};

template <> struct constants<double> {
    static constexpr double round_magic = 6755399441055744.0; // 1.5 * 2^52
    static constexpr double ln2_high = 6.93145751953125e-1, ln2_low = 1.42860682030941723212e-6;
    static constexpr double largest = 1.7976931348623157e308, smallest = 2.2250738585072014e-308;
    static constexpr double infinity = __builtin_inf(), nan = __builtin_nan("");
    static constexpr double exp_high = 709.78271289338386, exp_low = -708.3964185322641;
    static constexpr double expm1_low = -700, tanh_high = 20, erf_high = 6;
    static constexpr int64_t half_root = 0x3fe6a09e667f3bcd;
    static constexpr double exp[] = {
        2.0914717341716378e-9, 2.5105259538448494e-8, 2.755727357010214e-7,
        2.7557255297969643e-6, 2.4801587325605324e-5, 1.984126987490126e-4,
        1.388888888888373e-3,  8.333333333326112e-3,  4.166666666666667e-2,
        1.666666666666667e-1,  0.5};
    static constexpr double log[] = {
        1.479819860511658591e-1, 1.531383769920937332e-1, 1.818357216161805012e-1,
        2.222219843214978396e-1, 2.857142874366239149e-1, 3.999999999940941908e-1,
        6.666666666666735130e-1};
    static constexpr double erf[] = {
        -7.795898827002142e-10, 1.3720064546777686e-8, -1.6208483801871705e-7,
        1.6447424703317362e-6,  -1.492473690741966e-5, 1.2055294904839707e-4,
        -8.548325975389692e-4,  5.2239776071164225e-3, -2.686617064323777e-2,
        1.1283791670945006e-1,  -3.7612638903183543e-1, 1.1283791670955126};
    static constexpr double erfcx[] = {
        1051.4775993545124, -3802.3193399400056, 6141.244973872164,  -5751.745781926398,
        3393.7192897611894, -1304.8727117633393, 356.0254348102813,  -86.0235241240357,
        12.469269695695969, 1.112927254027886,   2.965062607613792,  1.9650380653313524,
        1.1288205669506493, 0.5641771458640458,  1.6242284740077591e-7};
};

template <class V, int N> RESPNET_INLINE V polynomial(V x, const real_of<V> (&coefficient)[N]) {
    V sum = splat<V>(coefficient[0]);
    RESPNET_UNROLL for (int i = 1; i < N; i++) sum = sum * x + splat<V>(coefficient[i]);
    return sum;
}

// ------------------------------------------------------------------------------- exponentials

// exp(x) = 2^n (1 + m), |m| < 0.42. n is garbage for x out of range, m is NaN for NaN.
template <class V> struct exponent { mask_of<V> n; V m; };

template <class V> RESPNET_INLINE exponent<V> reduce(V x) {
    typedef constants<real_of<V>> C;
    const V magic = splat<V>(C::round_magic);
    const V shifted = x * splat<V>(1.44269504088896341) + magic;
    const V n = shifted - magic;
    const V r = (x - n * splat<V>(C::ln2_high)) - n * splat<V>(C::ln2_low);
    return {bits(shifted) - bits(magic), polynomial(r, C::exp) * (r * r) + r};
}

template <class V> RESPNET_INLINE V power_of_2(mask_of<V> n) {
    return from_bits<V>((n + BIAS<V>) << DIGITS<V>);
}

template <class V> RESPNET_INLINE V exp(V x) {
    typedef constants<real_of<V>> C;
    if constexpr (IS_CUT<V>) return RESPNET_BY_REGISTER(V, exp, x);
    const exponent<V> e = reduce(x);
    const V y = from_bits<V>(bits(e.m + splat<V>(1)) + (e.n << DIGITS<V>));
    const V bounded = select(less_equal(x, splat<V>(C::exp_high)), y, x + splat<V>(C::infinity));
    return select(less(x, splat<V>(C::exp_low)), splat<V>(0), bounded);
}

// 2^n m + (2^n - 1), in halves so that n = 128 (1024) does not overflow.
template <class V> RESPNET_INLINE V expm1(V x) {
    typedef constants<real_of<V>> C;
    if constexpr (IS_CUT<V>) return RESPNET_BY_REGISTER(V, expm1, x);
    const exponent<V> e = reduce(maximum(x, splat<V>(C::expm1_low)));
    const V half = power_of_2<V>(e.n - 1);
    const V y = half * e.m + (half - splat<V>(0.5));
    return select(less_equal(x, splat<V>(C::exp_high)), y + y, x + splat<V>(C::infinity));
}

template <class V> RESPNET_INLINE V sigmoid(V x) {
    if constexpr (IS_CUT<V>) return RESPNET_BY_REGISTER(V, sigmoid, x);
    return splat<V>(1) / (splat<V>(1) + exp(-x));
}

// expm1(2|x|) / (expm1(2|x|) + 2)
template <class V> RESPNET_INLINE V tanh(V x) {
    if constexpr (IS_CUT<V>) return RESPNET_BY_REGISTER(V, tanh, x);
    const V size = minimum(abs(x), splat<V>(constants<real_of<V>>::tanh_high));
    const exponent<V> e = reduce(size + size);
    const V scale = power_of_2<V>(e.n);
    const V t = scale * e.m + (scale - splat<V>(1));
    return with_sign_of(t / (t + splat<V>(2)), x);
}

// ---------------------------------------------------------------------------------- logarithms

// x = 2^k (1 + f), sqrt(1/2) <= 1 + f < sqrt(2); log(1 + f) by the series of atanh(f / (2 + f)).
template <class V> RESPNET_INLINE V log(V x) {
    typedef real_of<V> R;
    typedef constants<R> C;
    if constexpr (IS_CUT<V>) return RESPNET_BY_REGISTER(V, log, x);
    typedef typename integer_of<R>::type I;
    constexpr I one = (I)BIAS<V> << DIGITS<V>, digits = ((I)1 << DIGITS<V>) - 1;
    constexpr R float_magic = sizeof(R) == 4 ? 8388608.0 : 4503599627370496.0; // 2^DIGITS
    const mask_of<V> moved = bits(x) + (one - C::half_root);
    const mask_of<V> k_bits = exponent_bits<V>(moved) | bits(splat<V>(float_magic));
    const V k = from_bits<V>(k_bits) - splat<V>(float_magic + BIAS<V>);
    const V f = from_bits<V>((moved & digits) + C::half_root) - splat<V>(1);
    const V s = f / (f + splat<V>(2)), z = s * s;
    const V half_square = splat<V>(0.5) * f * f;
    const V series = multiply_add(z, polynomial(z, C::log), half_square);
    const V rest = multiply_add(s, series, k * splat<V>(C::ln2_low));
    const V y = k * splat<V>(C::ln2_high) - ((half_square - rest) - f);
    const V low = select(less(x, splat<V>(0)), splat<V>(C::nan), splat<V>(-C::infinity));
    const V above = select(less_equal(x, splat<V>(C::largest)), y, x);
    return select(less(x, splat<V>(C::smallest)), low, above);
}

// log(1 + exp(x)) = max(x, 0) + log1p(e) with e = exp(-|x|), and log1p(e) = log(u) + what was lost
// in u = 1 + e, over u.
template <class V> RESPNET_INLINE V log1p_exp(V x) {
    if constexpr (IS_CUT<V>) return RESPNET_BY_REGISTER(V, log1p_exp, x);
    const V e = exp(-abs(x)), u = splat<V>(1) + e;
    const V lost = e - (u - splat<V>(1));
    return maximum(x, splat<V>(0)) + (log(u) + lost / u);
}

// x P(x^2) up to 1, beyond it 1 - exp(-x^2) erfcx(x) with erfcx a polynomial in 1 / (x + 2).
template <class V> RESPNET_INLINE V erf(V x) {
    typedef constants<real_of<V>> C;
    if constexpr (IS_CUT<V>) return RESPNET_BY_REGISTER(V, erf, x);
    const V size = minimum(abs(x), splat<V>(C::erf_high)), square = size * size;
    const V near = size * polynomial(square, C::erf);
    const V u = splat<V>(1) / (size + splat<V>(2));
    const V far = splat<V>(1) - exp(-square) * polynomial(u, C::erfcx);
    return with_sign_of(select(less(size, splat<V>(1)), near, far), x);
}

} // namespace RESPNET_LEVEL
