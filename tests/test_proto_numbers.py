"""Numbers on the wire, against Python's own exact conversions."""

import math
import struct

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from respnet.redisproto.errors import CommandError
from respnet.redisproto.numbers import (
    format_double,
    format_integer,
    parse_integer,
    parse_real,
    parse_single,
)

FLOAT32_MAX = float(np.finfo(np.float32).max)
SINGLE_LIMIT = float.fromhex("0x1.ffffffp127")  # from here on a float32 is infinite


def text(value):
    return b"%.17g" % value


@pytest.mark.parametrize("seed", range(4))
def test_printing_equals_printf_on_random_float32(seed):
    bits = np.random.default_rng(seed).integers(0, 2**32, 50_000, dtype=np.uint32)
    values = bits.view(np.float32)
    values = values[np.isfinite(values)].astype(np.float64).tolist()
    assert [format_double(v) for v in values] == [text(v) for v in values]


@pytest.mark.parametrize("scale", [1e-300, 1e-17, 1e-5, 1e-4, 1.0, 1e9, 1e16, 1e17, 1e38, 1e300])
def test_printing_equals_printf_near(scale):
    values = np.random.default_rng(1).uniform(0.1, 10, 5_000) * scale
    with np.errstate(over="ignore"):
        values = [*values.tolist(), *values.astype(np.float32).astype(float).tolist()]
    finite = [v for v in values if math.isfinite(v)]
    assert [format_double(-v) for v in finite] == [text(-v) for v in finite]


@settings(max_examples=2000)
@given(st.floats(allow_nan=False))
@example(0.0)
@example(-0.0)
@example(9.9999999999999999e22)
@example(99999999999999999.0)
@example(float.fromhex("0x1p-149"))
@example(math.inf)
def test_printing_equals_printf(value):
    assert format_double(value) == text(value)


def test_every_power_prints_right():
    values = [m * 2.0**e for e in range(-1074, 1024) for m in (1.0, 1.5)]
    values += [float(f"1e{e}") for e in range(-323, 309)]
    assert [format_double(v) for v in values] == [text(v) for v in values]


def test_not_a_number_keeps_its_sign():
    negative = struct.unpack("<d", b"\0\0\0\0\0\0\xf8\xff")[0]
    assert (format_double(math.nan), format_double(negative)) == (b"nan", b"-nan")


@given(st.integers(-(2**63), 2**63 - 1))
@example(-(2**63))
@example(2**63 - 1)
def test_integers_come_back(number):
    assert parse_integer(format_integer(number)) == number
    assert format_integer(number) == b"%d" % number


@pytest.mark.parametrize(
    "word",
    [b"", b"-", b"+1", b"-0", b"01", b"00", b" 1", b"1 ", b"1_0", b"1.0", b"0x1", b"1e3", b"1\0",
     b"9223372036854775808", b"-9223372036854775809", b"18446744073709551617",
     b"99999999999999999999999", "٣".encode()],
)
def test_bad_integers_are_refused(word):
    with pytest.raises(CommandError, match="not an integer or out of range"):
        parse_integer(word)


BAD_REALS = [
    b"", b"-", b"+", b".", b"-.", b"e5", b"1e", b"1e+", b"1_0", b" 1", b"1 ", b"1\n", b"1\0",
    b"nan", b"inf", b"-inf", b"infinity", b"NaN", b"1e999", b"-1e999", b"1e-999", b"0x", b"0x.",
    b"0x1p", b"0xg", b"1.2.3", b"--1", b"+-1", b"1,5", b"0x1p99999", b"0x1p-99999", b"1f", b"1d",
    "٣".encode(), b"1" * 1025,
]


@pytest.mark.parametrize("word", BAD_REALS)
@pytest.mark.parametrize("parse", [parse_real, parse_single])
def test_bad_reals_are_refused(word, parse):
    with pytest.raises(CommandError, match="^ERR mine$"):
        parse(word, "ERR mine")


@pytest.mark.parametrize("word", [b"1e39", b"-3.4028236e38", b"0x1p128", b"9" * 40])
def test_beyond_float32_is_refused_only_there(word):
    parse_real(word)
    with pytest.raises(CommandError):
        parse_single(word)


@pytest.mark.parametrize(
    ("word", "value"),
    [(b"0x10", 16.0), (b"-0X1.8P1", -3.0), (b"0x.8", 0.5), (b"+5", 5.0), (b".5", 0.5), (b"5.", 5.0),
     (b"1E2", 100.0), (b"-0", -0.0), (b"0e999", 0.0), (b"0x0p-99999", 0.0), (b"1e-40", 1e-40),
     (b"0" * 900 + b"1", 1.0), (b"0x" + b"f" * 40, float(0xF << 156) / 15 * 16)],
)
def test_accepted_forms(word, value):
    assert parse_real(word) == value
    assert math.copysign(1, parse_real(word)) == math.copysign(1, value)


@settings(max_examples=2000)
@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(1, 25))
def test_decimals_are_rounded_once_to_double_then_to_float32(value, digits):
    for word in (f"{value:.{digits}g}", f"{value:.{digits}f}" if abs(value) < 1e20 else "1.5"):
        expected = float(word)
        if abs(expected) < SINGLE_LIMIT:
            assert parse_real(word.encode()) == expected
            assert parse_single(word.encode()) == float(np.float32(expected))


@settings(max_examples=1000)
@given(st.floats(width=32, allow_nan=False, allow_infinity=False), st.integers(-3, 3))
def test_near_the_midpoint_of_two_float32(value, ulps):
    low = np.float32(abs(value))
    with np.errstate(over="ignore"):
        high = np.nextafter(low, np.float32(np.inf))
    if not np.isfinite(high):
        return
    middle = (float(low) + float(high)) / 2
    middle = float((np.float64(middle).view(np.int64) + ulps).view(np.float64))
    for digits in (9, 16, 17, 18, 19):
        word = f"{middle:.{digits}g}"
        assert parse_single(word.encode()) == float(np.float32(float(word)))
        plain = f"{middle:.{digits}f}" if middle < 10 else word
        assert float(plain) == 0 or parse_single(plain.encode()) == float(np.float32(float(plain)))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_hexadecimals_are_exact(value):
    assert parse_real(value.hex().encode()) == value


def test_long_hexadecimals_are_rounded_half_to_even():
    for word in ("0x1.00000000000008", "0x1.000000000000080000000001", "0x1.00000000000018",
                 "0x10000000000000801", "0x1000000000000080000000000000000000000001"):
        assert parse_real(word.encode()) == float.fromhex(word)


def test_what_is_printed_is_read_back():
    values = np.random.default_rng(2).standard_normal(20_000).astype(np.float32).astype(float)
    assert [parse_single(format_double(v)) for v in values.tolist()] == values.tolist()
