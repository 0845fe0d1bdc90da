"""Payloads of DUMP: a type byte, the value, the version of the format, a checksum.

All lengths are compared with what is there, or with a limit, before anything is made. (Source:
rdb.h and rdb.c of Redis describe the format; the checksum is CRC-64 with Jones' polynomial.)
"""

import struct

import numpy as np

from .errors import CommandError

WRONG_SUM = "ERR DUMP payload version or checksum are wrong"
BAD_FORMAT = "ERR Bad data format"
VERSIONS = range(1, 14)  # of the format that are read
WRITTEN = 9  # the version of what is written: any Redis from 5 on reads it
FOOTER = 10
MOST_BYTES = 512 << 20
MOST_WORDS = 1 << 22  # of a list, hash or set

MODULE = 7  # type byte of module values
EOF, SINT, UINT, FLOAT, DOUBLE, STRING = range(6)  # before each field of a module's value
LANES, LONG = 1024, 1 << 16  # bytes from which a checksum is taken in lanes
POLYNOMIAL = 0x95AC9329AC4BC9B5  # Jones, lowest bit first


def _table():
    """What each byte adds to the checksum."""
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (POLYNOMIAL if byte & 1 else 0)
        table.append(byte)
    return table


TABLE = _table()


def crc64(data):
    lanes = LANES if len(data) >= LONG else 0
    size = len(data) // LANES if lanes else 0
    crc = _crc64_lanes(data, size) if lanes else 0
    for byte in data[lanes * size :]:
        crc = TABLE[(crc ^ byte) & 255] ^ crc >> 8
    return crc


def _crc64_lanes(data, size):
    """Of the first LANES * size bytes, cut into lanes that are summed side by side.

    A checksum is linear: where it goes in ``size`` bytes is the sum of where its bits go, and that
    is what 64 more lanes of zero bytes tell.
    """
    table = np.array(TABLE, np.uint64)
    columns = np.zeros((size, LANES + 64), np.uint64)
    columns[:, :LANES] = np.frombuffer(data, np.uint8, LANES * size).reshape(LANES, size).T
    sums = np.zeros(LANES + 64, np.uint64)
    sums[LANES:] = np.uint64(1) << np.arange(64, dtype=np.uint64)
    for column in columns:
        sums = table[(sums ^ column) & np.uint64(255)] ^ (sums >> np.uint64(8))
    *sums, images = [*sums[:LANES].tolist(), sums[LANES:].tolist()]
    crc = 0
    for one in sums:
        for bit, image in enumerate(images):
            if crc >> bit & 1:
                one ^= image
        crc = one
    return crc


def seal(body):
    """A payload of a type byte and a value."""
    body += struct.pack("<H", WRITTEN)
    return body + struct.pack("<Q", crc64(body))


def opened(payload):
    """A Reader over the body of a payload, or CommandError."""
    if len(payload) <= FOOTER:
        raise CommandError(WRONG_SUM)
    version, crc = struct.unpack_from("<HQ", payload, len(payload) - FOOTER)
    # A checksum of 0 says that none was made.
    if version not in VERSIONS or (crc and crc != crc64(memoryview(payload)[:-8])):
        raise CommandError(WRONG_SUM)
    return Reader(payload, len(payload) - FOOTER)


class Reader:
    """Bytes from ``at`` to ``end``; every read checks that they are there."""

    def __init__(self, data, end=None, at=0):
        self.data, self.at, self.end = data, at, len(data) if end is None else end
        self.room = MOST_BYTES  # for what is unpacked

    def take(self, size):
        """The next bytes."""
        if size > self.end - self.at:
            raise bad()
        self.at += size
        return self.data[self.at - size : self.at]

    def byte(self):
        return self.take(1)[0]

    def unpack(self, format):
        (number,) = struct.unpack(format, self.take(struct.calcsize(format)))
        return number

    def done(self):
        if self.at != self.end:
            raise bad()

    def length(self):
        """A number of 6, 14, 32 or 64 bits."""
        number, special = self._length()
        if special:
            raise bad()
        return number

    def _length(self):
        """(number, whether it names a special encoding of a string)"""
        first = self.byte()
        kind, low = first >> 6, first & 63
        if kind == 0:
            return low, False
        if kind == 1:
            return low << 8 | self.byte(), False
        if kind == 3:
            return low, True
        if first not in (0x80, 0x81):
            raise bad()
        return self.unpack(">I" if first == 0x80 else ">Q"), False

    def count(self, least=1):
        """How many words follow, each at least so many bytes."""
        count = self.length()
        if count > min(MOST_WORDS, (self.end - self.at) // least):
            raise bad()
        return count

    def string(self):
        """Bytes: as they are, a number in decimal, or compressed."""
        number, special = self._length()
        if not special:
            return self.take(number)
        if number == 3:
            packed, size = self.length(), self.length()
            self.room -= size
            if self.room < 0:
                raise bad()
            return unpacked(self.take(packed), size)
        if number > 3:
            raise bad()
        return b"%d" % self.unpack(("<b", "<h", "<i")[number])

    def words(self, count):
        return [self.string() for _ in range(count)]

    # -- fields of module values

    def field(self, kind):
        """The next field, which must be of this kind."""
        if self.length() != kind:
            raise bad()
        if kind == STRING:
            return self.string()
        if kind in (FLOAT, DOUBLE):
            return self.unpack("<f" if kind == FLOAT else "<d")
        return self.length()


def counted(words):
    """Words of a list, hash or set, unless they are too many."""
    if len(words) > MOST_WORDS:
        raise bad()
    return words


def bad():
    return CommandError(BAD_FORMAT)


def unpacked(packed, size):
    """The bytes of LZF: runs of literal bytes, and copies of 3 to 264 bytes from before."""
    if size > min(MOST_BYTES, 264 * len(packed)):
        raise bad()
    out, at, end = bytearray(), 0, len(packed)
    try:
        while at < end:
            control = packed[at]
            at += 1
            if control < 32:
                out += packed[at : at + control + 1]
                at += control + 1
                continue
            length = control >> 5
            if length == 7:
                length += packed[at]
                at += 1
            start = len(out) - (((control & 31) << 8 | packed[at]) + 1)
            at += 1
            copy(out, start, length + 2)
            if len(out) > size:
                raise bad()
    except IndexError:
        raise bad() from None
    if len(out) != size or at != end:
        raise bad()
    return bytes(out)


def copy(out, start, length):
    """Append what stands at ``start``; it may reach into what is being appended."""
    if start < 0:
        raise bad()
    piece = out[start : start + length]
    while len(piece) < length:
        piece = piece + piece
    out += piece[:length]


# --- writing ----------------------------------------------------------------------------------


def number(value):
    """A length."""
    if value < 64:
        return bytes([value])
    if value < 1 << 14:
        return struct.pack(">H", 1 << 14 | value)
    return b"\x80" + struct.pack(">I", value) if value < 1 << 32 else b"\x81" + struct.pack(
        ">Q", value)


def text(data):
    return number(len(data)) + data


def uint(value):
    return number(UINT) + number(value)


def sint(value):
    return number(SINT) + number(value)


def blob(data):
    return number(STRING) + text(data)
