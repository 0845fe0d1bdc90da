"""Requests out of bytes: RESP arrays of bulk strings, and inline commands.

The reader owns no socket. It is lent bytes (``borrow``), hands out commands one by one (``next``)
as spans into those bytes, and copies what is left over when the loan ends (``keep``). A long
argument is filled into a bytes object as it arrives, so that whoever keeps it need not copy it.
Nothing is allocated from a length that was only announced: memory follows the bytes that have
arrived.
Cutting the input anywhere changes neither commands nor errors.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.object cimport PyObject
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memchr, memcpy, memmove

from .numbers cimport parse_long_long
from .quotes cimport is_space, unquote

from .errors import ProtocolError

cdef extern from "Python.h":
    PyObject* new_bytes "PyBytes_FromStringAndSize"(const char* data, Py_ssize_t size) except NULL
    int _PyBytes_Resize(PyObject** object, Py_ssize_t size) except -1
    char* bytes_data "PyBytes_AS_STRING"(PyObject* object)
    Py_ssize_t bytes_size "PyBytes_GET_SIZE"(PyObject* object)
    void Py_CLEAR(PyObject*)

# A stranger's limits are small enough that buffering one command of his costs < 1 MiB.
cdef enum:
    MOST_ARGUMENTS = 1048576
    MOST_BULK = 512 * 1024 * 1024
    MOST_LINE = 64 * 1024
    STRANGER_ARGUMENTS = 10
    STRANGER_BULK = 16 * 1024
    SPANS_KEPT = 1024
    LONG = 64 * 1024
    LONG_AHEAD = 64 * 1024  # bytes a long argument's object may be larger than twice what is there
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


cdef class Reader:
    """``feed`` bytes, ``gets`` commands: ``list[bytes]``, None when more bytes are needed."""

    def __cinit__(self, bint trusted=True):
        self.trusted = trusted
        self.bulk, self.long_from = -1, LONG
        self.long_words = []

    def __dealloc__(self):
        Py_CLEAR(self.long_word)
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
        if self.awaited == 0 and self.args.count > 0:
            return self.end - self.at
        return self.end - self.start + self.arrived

    cdef int borrow(self, const char* data, Py_ssize_t size) except -1:
        """Read on from ``data``, which the caller keeps alive until ``keep``."""
        cdef Py_ssize_t taken
        if self.long_word != NULL:
            taken = self.fill(data, size)
            data, size = data + taken, size - taken
        if self.start < self.end:
            return self.append(data, size)
        self.start = self.at = data
        self.end = data + size
        return 0

    cdef int keep(self) except -1:
        """The loan ends: copy the bytes that are still needed."""
        cdef const char* start
        cdef Py_ssize_t size
        if self.awaited == 0 and self.args.count > 0:  # it has been handed out
            self.start, self.args.count = self.at, 0
            self.long_words.clear()
        start = self.start
        size = self.end - start
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
                if self.args.items[i].whole == NULL:
                    self.args.items[i].data += shift
        self.start += shift
        self.at += shift
        self.end += shift

    cdef list argv(self):
        return [word(&self.args.items[i]) for i in range(self.args.count)]

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
        cdef Span* item = self.reserve(1)
        item.data, item.size, item.whole = data, size, NULL
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
            if self.long_words:
                self.long_words.clear()
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
        cdef Py_ssize_t rest  # bytes of an argument that are not in an object of its own
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
                if size >= self.long_from and self.end - self.at < size:
                    self.start_long()
            rest = self.bulk - self.arrived
            if self.end - self.at < rest + 2:
                return 0
            if self.at[rest] != c"\r" or self.at[rest + 1] != c"\n":
                return self.fail("expected CRLF after a bulk string")
            if self.long_word != NULL:
                self.end_long()
            else:
                self.push(self.at, self.bulk)
            self.at += rest + 2
            self.bulk = -1
            self.awaited -= 1
        return 1

    cdef int start_long(self) except -1:
        """All that has arrived behind the header of a long argument goes into an object."""
        cdef Py_ssize_t size = self.end - self.at
        self.long_word = new_bytes(NULL, min(self.bulk, 2 * size + LONG_AHEAD))
        self.arrived = 0
        self.fill(self.at, size)
        self.end = self.at
        return 0

    cdef Py_ssize_t fill(self, const char* data, Py_ssize_t size) except -1:
        """Bytes of the long argument that arrive -> how many are its own."""
        cdef Py_ssize_t there = self.arrived
        size = min(size, self.bulk - there)
        if there + size > bytes_size(self.long_word):
            self.resize_long(min(self.bulk, 2 * (there + size) + LONG_AHEAD))
        memcpy(bytes_data(self.long_word) + there, data, size)
        self.arrived += size
        return size

    cdef int resize_long(self, Py_ssize_t size) except -1:
        # Long blocks move by their page tables, so that growing copies next to nothing.
        if size != bytes_size(self.long_word):
            _PyBytes_Resize(&self.long_word, size)
        return 0

    cdef int end_long(self) except -1:
        """It is there: an argument like the others."""
        self.resize_long(self.bulk)
        self.push(bytes_data(self.long_word), self.bulk)
        self.args.items[self.args.count - 1].whole = self.long_word
        self.long_words.append(<object>self.long_word)
        Py_CLEAR(self.long_word)
        self.arrived = 0
        return 0

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
            item.data, item.size, item.whole = at + 1, size, NULL
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
