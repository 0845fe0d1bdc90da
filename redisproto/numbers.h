/* Numbers on the wire: strict parsers, exact printing.
 *
 * Integers follow Redis: -?(0|[1-9][0-9]*) without "-0", in 64 bits. Floating point numbers are
 * decimal or hexadecimal as in C, finite in the type they are read into; no blanks, no "nan", no
 * "inf", no value that is not zero but becomes zero as a double.
 *
 * A float32 is what the correctly rounded double rounds to, as if by (float)strtod(). Doubles are
 * printed with 17 significant digits, byte for byte as printf("%.17g") does.
 */
#ifndef RESPNET_NUMBERS_H
#define RESPNET_NUMBERS_H

#include <Python.h>
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

enum { NUMBER_TEXT = 32, NUMBER_LONGEST = 1024 };

static const double power_of_ten[23] = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static const char two_digits[201] =
    "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
    "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
    "8081828384858687888990919293949596979899";

static inline int is_digit(char c) { return (unsigned char)(c - '0') < 10; }

/* ---- integers ---- */

static inline int parse_long_long(const char *s, Py_ssize_t n, long long *out) {
    if (n < 1 || n > 20) return 0;
    const int negative = *s == '-';
    const char *p = s + negative, *end = s + n;
    if (p == end) return 0;
    if (*p == '0') return *out = 0, n == 1;
    const uint64_t limit = (uint64_t)INT64_MAX + negative;
    uint64_t value = 0;
    for (; p < end; p++) {
        if (!is_digit(*p) || value > limit / 10) return 0;
        value = value * 10 + (uint64_t)(*p - '0');
        if (value > limit) return 0;
    }
    *out = (long long)(negative ? 0 - value : value);
    return 1;
}

/* Writes at most 20 bytes, returns how many. */
static inline Py_ssize_t print_long_long(long long number, char *out) {
    char text[20], *p = text + 20;
    uint64_t value = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    for (; value >= 100; value /= 100) p -= 2, memcpy(p, two_digits + 2 * (value % 100), 2);
    if (value >= 10) p -= 2, memcpy(p, two_digits + 2 * value, 2);
    else *--p = (char)('0' + value);
    if (number < 0) *--p = '-';
    const Py_ssize_t size = text + 20 - p;
    memcpy(out, p, (size_t)size);
    return size;
}

/* ---- reading floating point ---- */

static inline int hex_digit(char c) {
    if (is_digit(c)) return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The tail "[eE|pP][+-]digits" that must reach `end`; saturates, so it cannot overflow. */
static inline int parse_exponent(const char *p, const char *end, char letter, long *out) {
    *out = 0;
    if (p == end) return 1;
    if ((*p++ | 0x20) != letter) return 0;
    const int negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+')) p++;
    if (p == end) return 0;
    long value = 0;
    for (; p < end; p++) {
        if (!is_digit(*p)) return 0;
        if (value < 100000) value = value * 10 + (*p - '0');
    }
    *out = negative ? -value : value;
    return 1;
}

/* After "0x". 60 bits are kept; what is cut off is remembered in the last one, so that the one
 * rounding to a double is right. */
static inline int parse_hex(const char *p, const char *end, double *out) {
    uint64_t mantissa = 0;
    long exponent = 0, tail = 0;
    int dot = 0, any = 0, d;
    for (; p < end; p++) {
        if (*p == '.' && !dot) { dot = 1; continue; }
        if ((d = hex_digit(*p)) < 0) break;
        any = 1;
        if (mantissa >> 56) mantissa |= d != 0, exponent += dot ? 0 : 4;
        else mantissa = mantissa << 4 | (uint64_t)d, exponent -= dot ? 4 : 0;
    }
    if (!any || !parse_exponent(p, end, 'p', &tail)) return 0;
    *out = ldexp((double)mantissa, (int)(exponent + tail));
    return isfinite(*out) && (*out != 0 || mantissa == 0);
}

/* After the sign. Needs the GIL: Python's own correctly rounded reader does the work. */
static inline int parse_decimal(const char *s, const char *end, double *out) {
    char text[NUMBER_LONGEST + 1];
    const char *p = s;
    int digits = 0, nonzero = 0, dot = 0;
    long exponent;
    for (; p < end; p++) {
        if (*p == '.' && !dot) { dot = 1; continue; }
        if (!is_digit(*p)) break;
        digits++, nonzero |= *p != '0';
    }
    if (!digits || !parse_exponent(p, end, 'e', &exponent)) return 0;
    memcpy(text, s, (size_t)(end - s));
    text[end - s] = 0;
    *out = PyOS_string_to_double(text, NULL, NULL);
    if (PyErr_Occurred()) return PyErr_Clear(), 0;
    return isfinite(*out) && (*out != 0 || !nonzero);
}

static inline int parse_double_slow(const char *s, Py_ssize_t n, double *out) {
    if (n < 1 || n > NUMBER_LONGEST) return 0;
    const char *p = s, *end = s + n;
    const int negative = *p == '-';
    if (*p == '-' || *p == '+') p++;
    const int hex = end - p > 2 && p[0] == '0' && (p[1] | 0x20) == 'x';
    if (!(hex ? parse_hex(p + 2, end, out) : parse_decimal(p, end, out))) return 0;
    if (negative) *out = -*out;
    return 1;
}

/* Plain decimals of at most 19 digits: value = mantissa / 10^scale, or 0 for anything else. */
static inline int parse_plain(const char *s, Py_ssize_t n, uint64_t *mantissa, int *scale) {
    const char *p = s, *end = s + n, *dot = end;
    uint64_t m = 0;
    if (p < end && (*p == '-' || *p == '+')) p++;
    const char *first = p;
    while (p < end && is_digit(*p)) m = m * 10 + (uint64_t)(*p++ - '0');
    Py_ssize_t digits = p - first;
    if (p < end && *p == '.') {
        dot = ++p;
        while (p < end && is_digit(*p)) m = m * 10 + (uint64_t)(*p++ - '0');
        digits += p - dot;
    }
    if (p != end || digits < 1 || digits > 19) return 0;
    *mantissa = m;
    *scale = (int)(end - dot);
    return 1;
}

static inline int parse_double(const char *s, Py_ssize_t n, double *out) {
    uint64_t mantissa;
    int scale;
    if (!parse_plain(s, n, &mantissa, &scale) || mantissa >> 53)
        return parse_double_slow(s, n, out);
    const double value = (double)mantissa / power_of_ten[scale];
    *out = *s == '-' ? -value : value;
    return 1;
}

static inline int float32_from_double(double value, float *out) {
    if (fabs(value) >= 0x1.ffffffp127) return 0; /* rounds to infinity */
    *out = (float)value;
    return 1;
}

/* The quotient below is within two units of its last place. Where no midpoint of two float32 is
 * that near, it rounds to the same float32 as the exact value. */
static inline int parse_float32(const char *s, Py_ssize_t n, float *out) {
    uint64_t mantissa, bits;
    int scale;
    double value;
    if (parse_plain(s, n, &mantissa, &scale)) {
        value = (double)mantissa / power_of_ten[scale];
        memcpy(&bits, &value, 8);
        const uint64_t below = (bits & 0x1fffffff) - 0x0ffffffc;
        if (below > 8 && (value >= FLT_MIN || mantissa == 0)) {
            *out = (float)(*s == '-' ? -value : value); /* 19 digits are below FLT_MAX */
            return 1;
        }
    }
    return parse_double_slow(s, n, &value) && float32_from_double(value, out);
}

/* ---- printing ---- */

/* value = digits * 10^(exponent - 16) rounded half to even, 10^16 <= digits < 10^17, for a value
 * m 2^e whose m 5^(16 - exponent) fits 128 bits: every float32 from 1e-28 up, doubles from 1e-16
 * up. Returns 0 for the others. */
static inline int decimal17(double value, uint64_t *digits, int *exponent) {
#ifdef __SIZEOF_INT128__
    typedef unsigned __int128 u128;
    static const uint64_t five[28] = {
        1u, 5u, 25u, 125u, 625u, 3125u, 15625u, 78125u, 390625u, 1953125u, 9765625u, 48828125u,
        244140625u, 1220703125u, 6103515625u, 30517578125u, 152587890625u, 762939453125u,
        3814697265625u, 19073486328125u, 95367431640625u, 476837158203125u, 2384185791015625u,
        11920928955078125u, 59604644775390625u, 298023223876953125u, 1490116119384765625u,
        7450580596923828125u};
    uint64_t m;
    memcpy(&m, &value, 8);
    int e = (int)(m >> 52);
    if (e == 0) return 0;
    m = (m & 0xfffffffffffff) | (uint64_t)1 << 52;
    const int zeros = __builtin_ctzll(m);
    m >>= zeros, e += zeros - 1075;
    const int width = 64 - __builtin_clzll(m);
    int k = ((width - 1 + e) * 1262611) >> 22; /* floor(log10(2^(width-1+e))): k or one less */
    for (;; k++) {
        const int p = 16 - k, shift = -(e + p);
        u128 whole, rest, unit;
        if (p >= 0) {
            if (p > 44 || width + ((p * 2378) >> 10) + 1 > 128 || shift > 126) return 0;
            whole = (u128)m * five[p > 27 ? 27 : p];
            if (p > 27) whole *= five[p - 27];
            if (shift <= 0) whole <<= -shift, rest = 0, unit = 2;
            else unit = (u128)1 << shift, rest = whole & (unit - 1), whole >>= shift;
        } else {
            if (-p > 27 || shift > 0 || width - shift > 127) return 0;
            unit = five[-p], whole = (u128)m << -shift;
            rest = whole % unit, whole /= unit;
        }
        rest *= 2; /* below 2^128: shift <= 126 */
        *digits = (uint64_t)whole + (rest > unit || (rest == unit && ((uint64_t)whole & 1)));
        if (*digits < 100000000000000000u) return *exponent = k, 1;
    }
#else
    (void)value, (void)digits, (void)exponent;
    return 0;
#endif
}

static inline void put_digits(uint64_t value, int count, char *out) {
    for (; count >= 2; value /= 100)
        count -= 2, memcpy(out + count, two_digits + 2 * (value % 100), 2);
    if (count) *out = (char)('0' + value);
}

/* Lays out `used` of the 17 digits as %g does: exponent form below 1e-4 and from 1e17. */
static inline char *lay_out(const char *digits, int used, int exponent, char *p) {
    if (exponent < -4 || exponent >= 17) {
        *p++ = digits[0];
        if (used > 1) *p++ = '.', memcpy(p, digits + 1, (size_t)used - 1), p += used - 1;
        *p++ = 'e', *p++ = exponent < 0 ? '-' : '+';
        memcpy(p, two_digits + 2 * abs(exponent), 2); /* decimal17 stays within two digits */
        return p + 2;
    }
    if (exponent < 0) {
        memcpy(p, "0.000", 5), p += 1 - exponent;
        memcpy(p, digits, (size_t)used);
        return p + used;
    }
    const int whole = exponent + 1;
    memcpy(p, digits, 17);
    if (used <= whole) return p + whole; /* the digits not used are zeros */
    memcpy(p + whole + 1, digits + whole, (size_t)(used - whole));
    p[whole] = '.';
    return p + used + 1;
}

static inline Py_ssize_t print_double_slow(double value, char *out) {
    char *text = PyOS_double_to_string(value, 'g', 17, 0, NULL);
    if (text == NULL) return -1;
    const size_t size = strlen(text);
    memcpy(out, text, size);
    PyMem_Free(text);
    return (Py_ssize_t)size;
}

/* Writes at most NUMBER_TEXT bytes, returns how many; -1 without memory (Python error set). */
static inline Py_ssize_t print_double(double value, char *out) {
    char digits[17], *p = out;
    uint64_t number;
    int exponent, used = 17;
    if (signbit(value)) *p++ = '-', value = -value;
    if (isnan(value)) return memcpy(p, "nan", 3), p + 3 - out;
    if (isinf(value)) return memcpy(p, "inf", 3), p + 3 - out;
    if (value < 1e15 && value == (double)(long long)value)
        return p + print_long_long((long long)value, p) - out;
    if (!decimal17(value, &number, &exponent)) {
        const Py_ssize_t size = print_double_slow(value, p);
        return size < 0 ? size : p + size - out;
    }
    put_digits(number / 100000000u, 9, digits);
    put_digits(number % 100000000u, 8, digits + 9);
    while (digits[used - 1] == '0') used--;
    return lay_out(digits, used, exponent, p) - out;
}

#endif
