"""Requests out of bytes: RESP arrays of bulk strings, and inline commands.

The reader owns no socket. It is lent bytes (``borrow``), hands out commands one by one (``next``)
as spans into those bytes, and copies what is left over when the loan ends (``keep``). Nothing is
allocated from a length that was only announced: memory follows the bytes that have arrived.
Cutting the input anywhere changes neither commands nor errors.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memchr, memcpy, memmove

from .numbers cimport parse_long_long

from .errors import ProtocolError

# A stranger's limits are small enough that buffering one command of his costs < 1 MiB.
cdef enum:
    MOST_ARGUMENTS = 1048576
    MOST_BULK = 512 * 1024 * 1024
    MOST_LINE = 64 * 1024
    STRANGER_ARGUMENTS = 10
    STRANGER_BULK = 16 * 1024
    SPANS_KEPT = 1024
    SHORTEST = 6  # bytes of an argument: $0, CR LF, CR LF

    # What read_length answers besides 1, a number
    WAIT = 0
    BAD = -1
    TOO_LONG = -2


cdef int read_length(const char** at, const char* end, long long* out) noexcept nogil:
    """The line "<type byte><number>CRLF" at ``at``, which moves behind it."""
    cdef const char* p = at[0] + 1
    cdef const char* cr
    cdef long long value = 0
    while p < end and p - at[0] < 10 and <unsigned char>(p[0] - c"0") < 10:
        value = value * 10 + (p[0] - c"0")
        p += 1
    if end - p >= 2 and p[0] == c"\r" and p[1] == c"\n" and (at[0][1] != c"0" or p == at[0] + 2):
        if p > at[0] + 1:
            out[0], at[0] = value, p + 2
            return 1
    p = at[0] + 1
    cr = <const char*>memchr(p, c"\r", min(end - p, <Py_ssize_t>MOST_LINE))
    if cr == NULL:
        return TOO_LONG if end - p > MOST_LINE else WAIT
    if cr + 1 == end:
        return WAIT
    if cr[1] != c"\n" or not parse_long_long(p, cr - p, out):
        return BAD
    at[0] = cr + 2
    return 1


cdef inline bint is_space(char c) noexcept nogil:
    return c == c" " or c"\t" <= c <= c"\r"


cdef inline int hex_value(char c) noexcept nogil:
    if c"0" <= c <= c"9":
        return c - c"0"
    c |= 0x20
    return c - c"a" + 10 if c"a" <= c <= c"f" else -1


cdef inline char escaped(char c) noexcept nogil:
    if c == c"n":
        return c"\n"
    if c == c"r":
        return c"\r"
    if c == c"t":
        return c"\t"
    if c == c"b":
        return c"\b"
    return c"\a" if c == c"a" else c


cdef int unquote(const char** at, const char* end, char** out) noexcept nogil:
    """Copies what is between quotes; ``at`` moves from the opening behind the closing quote."""
    cdef const char* p = at[0] + 1
    cdef char quote = at[0][0]
    cdef char* q = out[0]
    while p < end and p[0] != quote:
        if quote == c"'" and p[0] == c"\\" and end - p > 1 and p[1] == c"'":
            p += 1
        elif quote == c'"' and p[0] == c"\\" and end - p > 1:
            p += 1
            if p[0] == c"x" and end - p > 2 and hex_value(p[1]) >= 0 and hex_value(p[2]) >= 0:
                q[0] = <char>(hex_value(p[1]) * 16 + hex_value(p[2]))
                q, p = q + 1, p + 3
                continue
            q[0] = escaped(p[0])
            q, p = q + 1, p + 1
            continue
        q[0] = p[0]
        q, p = q + 1, p + 1
    if p == end or (p + 1 < end and not is_space(p[1])):
        return 0
    at[0], out[0] = p + 1, q
    return 1


cdef class Reader:
    """``feed`` bytes, ``gets`` commands: ``list[bytes]``, None when more bytes are needed."""

    def __cinit__(self, bint trusted=True):
        self.trusted = trusted
        self.bulk = -1

    def __dealloc__(self):
        free(self.own)
        free(self.words)
        free(self.args.items)

    def feed(self, bytes data not None):
        self.borrow(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))
        self.keep()

    def gets(self):
        cdef int got = self.next()
        if got < 0:
            raise ProtocolError(self.error)
        return self.argv() if got else None

    @property
    def pending(self):
        """Bytes that have arrived and are not part of a command handed out."""
        return self.end - self.start

    cdef int borrow(self, const char* data, Py_ssize_t size) except -1:
        """Read on from ``data``, which the caller keeps alive until ``keep``."""
        if self.start < self.end:
            return self.append(data, size)
        self.start = self.at = data
        self.end = data + size
        return 0

    cdef int keep(self) except -1:
        """The loan ends: copy the bytes that are still needed."""
        cdef const char* start = self.start
        cdef Py_ssize_t size = self.end - start
        if size == 0:
            free(self.own)
            self.own, self.own_capacity = NULL, 0
            self.start = self.at = self.end = NULL
        elif not self.is_own(start):
            self.end = start
            self.append(start, size)
        free(self.words)
        self.words = NULL
        if self.awaited == 0 and self.capacity > SPANS_KEPT:
            free(self.args.items)
            self.args.items, self.args.count, self.capacity = NULL, 0, 0
        return 0

    cdef inline bint is_own(self, const char* start) noexcept:
        return self.own != NULL and self.own <= start < self.own + self.own_capacity

    cdef int append(self, const char* data, Py_ssize_t size) except -1:
        cdef Py_ssize_t kept = self.end - self.start
        cdef Py_ssize_t room = self.own_capacity
        cdef char* own
        if kept > 0 and self.start != self.own:
            memmove(self.own, self.start, kept)
            self.rebase(self.own)
        if kept + size > room:
            room = max(kept + size, room + room // 2)
            own = <char*>realloc(self.own, room)
            if own == NULL:
                raise MemoryError
            self.own, self.own_capacity = own, room
        if kept == 0:
            self.end = self.start + size
        memcpy(self.own + kept, data, size)
        self.rebase(self.own)
        self.end = self.own + kept + size
        return 0

    cdef void rebase(self, const char* start) noexcept:
        """The command being read has moved to ``start``."""
        cdef Py_ssize_t shift = start - self.start
        cdef Py_ssize_t i
        if self.awaited > 0:
            for i in range(self.args.count):
                self.args.items[i].data += shift
        self.start += shift
        self.at += shift
        self.end += shift

    cdef list argv(self):
        return [PyBytes_FromStringAndSize(self.args.items[i].data, self.args.items[i].size)
                for i in range(self.args.count)]

    cdef Span* reserve(self, Py_ssize_t more) except NULL:
        """Room for ``more`` arguments, at least one -> where the next one goes."""
        cdef Py_ssize_t room
        cdef void* items
        if self.args.count + max(more, <Py_ssize_t>1) > self.capacity:
            room = max(self.args.count + more, 2 * self.capacity, <Py_ssize_t>8)
            items = realloc(self.args.items, room * sizeof(Span))
            if items == NULL:
                raise MemoryError
            self.args.items, self.capacity = <Span*>items, room
        return self.args.items + self.args.count

    cdef int push(self, const char* data, Py_ssize_t size) except -1:
        self.reserve(1)
        self.args.items[self.args.count].data = data
        self.args.items[self.args.count].size = size
        self.args.count += 1
        return 0

    cdef int fail(self, str text):
        self.error = "ERR Protocol error: " + text
        return -1

    cdef int next(self) except -2:
        """1: a command is in ``args``; 0: more bytes are needed; -1: ``error`` says why not."""
        cdef int got = 1
        if self.error is not None:
            return -1
        while got == 1:
            if self.awaited > 0:
                return self.arguments()
            self.start = self.at
            self.args.count = 0
            if self.at == self.end:
                return 0
            if self.at[0] == c"*":
                got = self.multibulk()
            else:
                got = self.inline_command()
                if self.args.count > 0:
                    return got
        return got

    cdef int multibulk(self) except -2:
        cdef long long count
        cdef int got = read_length(&self.at, self.end, &count)
        if got == TOO_LONG:
            return self.fail("too big mbulk count string")
        if got == BAD or (got == 1 and count > MOST_ARGUMENTS):
            return self.fail("invalid multibulk length")
        if got == 1 and count > STRANGER_ARGUMENTS and not self.trusted:
            return self.fail("unauthenticated multibulk length")
        if got == 1 and count > 0:
            self.awaited = count
        return got

    cdef int arguments(self) except -2:
        cdef long long size
        cdef int got
        if self.bulk < 0:
            self.short_arguments()
        while self.awaited > 0:
            if self.bulk < 0:
                if self.at == self.end:
                    return 0
                if self.at[0] != c"$":
                    return self.fail("expected '$', got '%s'" % self.at[:1].decode(
                        "utf-8", "surrogateescape"))
                got = read_length(&self.at, self.end, &size)
                if got == WAIT:
                    return 0
                if got == TOO_LONG:
                    return self.fail("too big bulk count string")
                if got == BAD or size < 0 or size > MOST_BULK:
                    return self.fail("invalid bulk length")
                if size > STRANGER_BULK and not self.trusted:
                    return self.fail("unauthenticated bulk length")
                self.bulk = size
            if self.end - self.at < self.bulk + 2:
                return 0
            if self.at[self.bulk] != c"\r" or self.at[self.bulk + 1] != c"\n":
                return self.fail("expected CRLF after a bulk string")
            self.push(self.at, self.bulk)
            self.at += self.bulk + 2
            self.bulk = -1
            self.awaited -= 1
        return 1

    cdef int short_arguments(self) except -1:
        """Arguments of at most 99 bytes that have arrived whole, up to the first that is not."""
        cdef const char* p = self.at
        cdef const char* at
        cdef const char* end = self.end
        cdef Py_ssize_t size, second, left = min(self.awaited, (end - p) // SHORTEST)
        cdef Span* item = self.reserve(left)
        while left > 0 and end - p >= SHORTEST:
            size = <unsigned char>(p[1] - c"0")
            if p[0] != c"$" or size > 9:
                break
            at = p + 3
            if p[2] != c"\r":
                second = <unsigned char>(p[2] - c"0")
                if second > 9 or size == 0 or p[3] != c"\r":
                    break
                size = 10 * size + second
                at = p + 4
            if end - at < size + 3:
                break
            if at[0] != c"\n" or at[size + 1] != c"\r" or at[size + 2] != c"\n":
                break
            item.data, item.size = at + 1, size
            item, p, left = item + 1, at + size + 3, left - 1
        size = item - self.args.items - self.args.count
        self.args.count += size
        self.awaited -= size
        self.at = p
        return 0

    cdef int inline_command(self) except -2:
        cdef const char* line = self.at
        cdef const char* newline
        newline = <const char*>memchr(line, c"\n", min(self.end - line, <Py_ssize_t>MOST_LINE))
        if newline == NULL:
            if self.end - line > MOST_LINE:
                return self.fail("too big inline request")
            return 0
        self.at = newline + 1
        if newline > line and newline[-1] == c"\r":
            newline -= 1
        return self.split(line, newline)

    cdef int split(self, const char* p, const char* end) except -2:
        """The words of an inline command, quotes undone, into ``args``."""
        cdef char* out
        cdef char* word
        free(self.words)
        self.words = out = <char*>malloc(end - p + 1)
        if out == NULL:
            raise MemoryError
        while True:
            while p < end and is_space(p[0]):
                p += 1
            if p == end:
                return 1
            if self.args.count == STRANGER_ARGUMENTS and not self.trusted:
                return self.fail("unauthenticated multibulk length")
            word = out
            while p < end and not is_space(p[0]):
                if p[0] == c'"' or p[0] == c"'":
                    if not unquote(&p, end, &out):
                        return self.fail("unbalanced quotes in request")
                else:
                    out[0] = p[0]
                    out, p = out + 1, p + 1
            self.push(word, out - word)
