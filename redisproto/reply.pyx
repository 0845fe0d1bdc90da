"""Values to bytes: the one writer of replies, and the only writer of errors.

Long bulk strings are not copied: what was written before them is sealed, and they stand behind it
as the objects they are (``sealed``).

C callers use the ``put_`` methods; handlers return Python values, written by their type:

    str     simple string           bytes   bulk string     int     integer
    float   double                  bool    boolean         None    null
    list    array                   dict    map             set     set
    Verbatim, CommandError, NULL_ARRAY as named

RESP2 has no doubles, booleans, maps, sets: they become bulk strings (17 digits), integers, flat
arrays, arrays. Line replies never contain CR, LF or NUL, whatever a client put into them.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy, memmove

from .numbers cimport NUMBER_TEXT, print_double, print_long_long

from .errors import NULL_ARRAY, CommandError, Verbatim

cdef enum:
    LONGEST_ERROR = 256
    LONGEST_UNKNOWN = 600  # "ERR unknown command" quotes arguments
    LONGEST_LINE = 64 * 1024
    DEEPEST = 64
    WHOLE = 64 * 1024  # bulk strings of this size are not copied
    KEPT = 4096  # bytes an idle buffer may hold


cdef class Reply:
    """``put`` values, ``take`` bytes."""

    def __cinit__(self, int protocol=2):
        self.protocol = protocol
        self.sealed = []

    def __dealloc__(self):
        free(self.data)

    def __len__(self):
        return self.size + (sum(map(len, self.sealed)) if self.sealed else 0)

    def put(self, value):
        self.put_value(value)

    def put_push(self, list items not None):
        """An out of band message: RESP3 push, RESP2 array."""
        self.put_header(c">" if self.protocol == 3 else c"*", len(items))
        for item in items:
            self.put_value(item)

    def take(self):
        """All bytes written so far; nothing is left afterwards."""
        return b"".join(self.take_pieces())

    cdef list take_pieces(self):
        cdef list pieces = self.sealed
        if not pieces:
            return [self.take_bytes()]
        self.sealed = []
        pieces.append(self.take_bytes())
        return pieces

    cdef bytes take_bytes(self):
        """What is not sealed."""
        cdef bytes data = PyBytes_FromStringAndSize(self.data, self.size)
        self.size = 0
        if self.capacity > KEPT:
            free(self.data)
            self.data, self.capacity = NULL, 0
        return data

    cdef void drop(self, Py_ssize_t size) noexcept:
        """The first ``size`` bytes are gone."""
        self.size -= size
        memmove(self.data, self.data + size, self.size)

    cdef int cut(self, Py_ssize_t sealed, Py_ssize_t size) except -1:
        """Back to where ``len(self.sealed)`` and ``self.size`` were these."""
        cdef bytes first
        if len(self.sealed) > sealed:
            first = self.sealed[sealed]  # begins with what was in the buffer then
            del self.sealed[sealed:]
            self.size = 0
            return self.put_raw(PyBytes_AS_STRING(first), size)
        self.size = size
        return 0

    cdef char* room(self, Py_ssize_t size) except NULL:
        """Room for ``size`` more bytes; whoever fills it adds to ``self.size``."""
        cdef Py_ssize_t capacity
        cdef char* data
        if self.size + size > self.capacity:
            capacity = max(self.size + size, self.capacity + self.capacity // 2 + 256)
            data = <char*>realloc(self.data, capacity)
            if data == NULL:
                raise MemoryError
            self.data, self.capacity = data, capacity
        return self.data + self.size

    cdef int put_raw(self, const char* data, Py_ssize_t size) except -1:
        memcpy(self.room(size), data, size)
        self.size += size
        return 0

    cdef int put_header(self, char kind, Py_ssize_t count) except -1:
        cdef char* start = self.room(NUMBER_TEXT)
        cdef char* p = start + 1
        start[0] = kind
        if 0 <= count < 10:
            p[0] = <char>(c"0" + count)
            p += 1
        else:
            p += print_long_long(count, p)
        p[0], p[1] = c"\r", c"\n"
        self.size += p + 2 - start
        return 0

    cdef int put_bulk(self, const char* data, Py_ssize_t size) except -1:
        cdef char* p
        self.put_header(c"$", size)
        p = self.room(size + 2)
        memcpy(p, data, size)
        p[size], p[size + 1] = c"\r", c"\n"
        self.size += size + 2
        return 0

    cdef int put_bytes(self, bytes data) except -1:
        """A bulk string that may be kept as the object it is."""
        cdef Py_ssize_t size = PyBytes_GET_SIZE(data)
        if size < WHOLE:
            return self.put_bulk(PyBytes_AS_STRING(data), size)
        self.put_header(c"$", size)
        self.sealed += (self.take_bytes(), data)
        return self.put_raw(b"\r\n", 2)

    cdef int put_integer(self, long long number) except -1:
        return self.put_header(c":", number)

    cdef int put_double(self, double number) except -1:
        cdef char text[NUMBER_TEXT]
        cdef Py_ssize_t size = print_double(number, text)
        cdef char* p
        if self.protocol != 3:
            return self.put_bulk(text, size)
        p = self.room(size + 3)
        p[0] = c","
        memcpy(p + 1, text, size)
        p[size + 1], p[size + 2] = c"\r", c"\n"
        self.size += size + 3
        return 0

    cdef int put_bool(self, bint truth) except -1:
        if self.protocol != 3:
            return self.put_header(c":", truth)
        return self.put_raw(b"#t\r\n" if truth else b"#f\r\n", 4)

    cdef int put_null(self) except -1:
        if self.protocol == 3:
            return self.put_raw(b"_\r\n", 3)
        return self.put_raw(b"$-1\r\n", 5)

    cdef int put_array(self, Py_ssize_t count) except -1:
        return self.put_header(c"*", count)

    cdef int put_map(self, Py_ssize_t count) except -1:
        if self.protocol == 3:
            return self.put_header(c"%", count)
        return self.put_header(c"*", 2 * count)

    cdef int put_simple(self, str text) except -1:
        return self.put_line(c"+", text.encode("utf-8", "surrogateescape"), LONGEST_LINE)

    cdef int put_error(self, str text) except -1:
        cdef bint unknown = text.startswith("ERR unknown command")
        return self.put_line(c"-", text.encode("utf-8", "surrogateescape"),
                             LONGEST_UNKNOWN if unknown else LONGEST_ERROR)

    cdef int put_line(self, char kind, bytes text, Py_ssize_t most) except -1:
        """One line of at most ``most`` bytes, cut between UTF-8 characters."""
        cdef const char* source = PyBytes_AS_STRING(text)
        cdef Py_ssize_t size = PyBytes_GET_SIZE(text)
        cdef Py_ssize_t i
        cdef char* p
        if size > most:
            size = most
            while size > most - 4 and (<unsigned char>source[size] & 0xC0) == 0x80:
                size -= 1
        p = self.room(size + 3)
        p[0] = kind
        for i in range(size):
            p[i + 1] = source[i] if source[i] not in (c"\r", c"\n", c"\0") else c" "
        p[size + 1], p[size + 2] = c"\r", c"\n"
        self.size += size + 3
        return 0

    cdef int put_value(self, object value, int depth=0) except -1:
        cls = type(value)
        if cls is bytes:
            return self.put_bytes(value)
        if cls is int:
            return self.put_integer(value)
        if cls is str:
            return self.put_simple(value)
        if value is None:
            return self.put_null()
        if cls is float:
            return self.put_double(value)
        if cls is bool:
            return self.put_bool(value)
        return self.put_other(value, depth)

    cdef int put_other(self, object value, int depth) except -1:
        if depth == DEEPEST:
            raise ValueError(f"a reply nests at most {DEEPEST} deep")
        if isinstance(value, (list, tuple)):
            self.put_array(len(value))
            return self.put_items(value, depth)
        if isinstance(value, dict):
            self.put_map(len(value))
            for key, item in value.items():
                self.put_value(key, depth + 1)
                self.put_value(item, depth + 1)
            return 0
        if isinstance(value, (set, frozenset)):
            self.put_header(c"~" if self.protocol == 3 else c"*", len(value))
            return self.put_items(value, depth)
        if isinstance(value, CommandError):
            return self.put_error(value.text)
        if isinstance(value, Verbatim):
            return self.put_verbatim(value)
        if value is NULL_ARRAY:
            return self.put_null() if self.protocol == 3 else self.put_raw(b"*-1\r\n", 5)
        if isinstance(value, (bytearray, memoryview)):
            return self.put_value(bytes(value))
        raise TypeError(f"a reply cannot be a {type(value).__name__}")

    cdef int put_items(self, object items, int depth) except -1:
        for item in items:
            self.put_value(item, depth + 1)
        return 0

    cdef int put_verbatim(self, object value) except -1:
        cdef bytes text = value.text
        if self.protocol != 3:
            return self.put_bulk(text, len(text))
        self.put_header(c"=", 4 + len(text))
        text = value.format + b":" + text + b"\r\n"
        return self.put_raw(text, len(text))
