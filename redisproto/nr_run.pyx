"""NR.RUN and NR.CLASS from argument spans to the reply, without a Python object for an argument.

Whatever is unusual is declined before anything has changed, and the ordinary handler does it:
errors, ROWS, large blobs, keys that expire.

Runs of the same network that were sent in one go are joined into one batch: they are recognised by
their bytes before they are read. A batch and a single row may differ in the last bits.
"""

from libc.string cimport memcmp, memcpy, memmove

from .core cimport Row
from .nr_fast cimport Hot, all_finite, is_word, lookup
from .numbers cimport NUMBER_TEXT, print_double
from .reader cimport Args, Reader, Span
from .reply cimport Reply
from .session cimport FastHandler, Session

cdef enum:
    BLOB_ROWS = 32  # more are run as one batch by the ordinary handler
    WORTH_A_BATCH = 4
    BULK_HEADER = 5  # "$17\r\n"


cdef int put_doubles(Reply out, const float* values, Py_ssize_t count) except -1:
    """An array of doubles, as ``put_array`` and ``put_double`` would write it."""
    cdef Py_ssize_t i, size, start
    cdef char* p
    out.put_array(count)
    for i in range(count):
        p = out.room(BULK_HEADER + NUMBER_TEXT + 2)
        start = 1 if out.protocol == 3 else BULK_HEADER
        size = print_double(values[i], p + start)
        if out.protocol == 3:
            p[0] = c","
        elif size < 10:
            start -= 1
            memmove(p + start, p + start + 1, size)
            p[0], p[1], p[2], p[3] = c"$", <char>(c"0" + size), c"\r", c"\n"
        else:
            p[0], p[1], p[2] = c"$", <char>(c"0" + size // 10), <char>(c"0" + size % 10)
            p[3], p[4] = c"\r", c"\n"
        size += start
        p[size], p[size + 1] = c"\r", c"\n"
        out.size += size + 2
    return 0


cdef bint repeats(Reader reader, Py_ssize_t size) noexcept:
    """Whether what comes next begins with the same ``size`` bytes as the command just read."""
    return (reader.end - reader.at >= size and reader.start[0] == c"*"
            and memcmp(reader.at, reader.start, size) == 0)


cdef bint read_row(const Args* args, Hot net, bint blob, float* x) noexcept:
    """The one row (I) of a command, in words or as a blob; False if it is none."""
    if not blob:
        return args.count - 2 == net.inputs and net.read(args.items + 2, net.inputs, x)
    if args.items[3].size != net.inputs * <Py_ssize_t>sizeof(float):
        return False
    return net.take(args.items[3].data, net.inputs, x)


cdef Py_ssize_t gather(Session c, Hot net, bint blob, bint* odd) except -1:
    """The row in ``net.x``, and those of the same command to the same network that have arrived
    behind it, to ``net.rows`` -> how many. odd: the last command read is another matter."""
    cdef Reader reader = c.reader
    cdef const Span* same = reader.args.items + (2 if blob else 1)
    cdef Py_ssize_t prefix = same.data + same.size + 2 - reader.start, count = 1
    odd[0] = False
    if net.most < 2 or reader.long_words or not repeats(reader, prefix):
        return 1  # what is in an object of its own is not in front of the others
    net.make_rows()
    memcpy(net.rows, net.x, net.inputs * sizeof(float))
    while count < net.most and repeats(reader, prefix) and reader.next() == 1:
        if not read_row(&reader.args, net, blob, net.rows + count * net.inputs):
            odd[0] = True
            break
        count += 1
    return count


ctypedef int (*Put)(Session, Hot, const float*) except -1


cdef int joined(Session c, Hot net, bint blob, Put put) except -1:
    """Run the row in ``net.x``, and the pipelined ones behind it as one batch; put the answers."""
    cdef bint odd
    cdef Py_ssize_t i, count = gather(c, net, blob, &odd)
    cdef const float[:, ::1] y
    cdef Row row
    if count < WORTH_A_BATCH:
        for i in range(count):
            net.run(net.x if count == 1 else net.rows + i * net.inputs)
            put(c, net, net.y)
    else:
        y = net.model.predict(net.batch[:count])
        for i in range(count):
            put(c, net, &y[i, 0])
    net.used(count)
    if count > 1:
        c.server.commands += count - 1
        row = c.server.find(c.reader.args.items[0].data, c.reader.args.items[0].size)
        row.calls += count - 1
    return c.run_command() if odd else 0


cdef int put_outputs(Session c, Hot net, const float* y) except -1:
    return put_doubles(c.out, y, net.outputs)


cdef int put_blob(Session c, Hot net, const float* y) except -1:
    return c.out.put_bulk(<const char*>y, net.outputs * <Py_ssize_t>sizeof(float))


cdef int put_class(Session c, Hot net, const float* y) except -1:
    return c.out.put_integer(largest(y, net.outputs))


cdef Py_ssize_t largest(const float* y, Py_ssize_t count) noexcept:
    """The number of the largest, the first of equal ones."""
    cdef Py_ssize_t i, best = 0
    for i in range(1, count):
        if y[i] > y[best]:
            best = i
    return best


cdef class Run(FastHandler):
    """NR.RUN key i0..iN, and NR.RUN key BLOB rows"""

    cdef int run(self, Session c, Args* args) except -1:
        cdef bint blob
        cdef Hot net
        if args.count < 3:
            return 0
        net = lookup(c, args.items + 1)
        if net is None:
            return 0
        blob = args.count == 4 and is_word(args.items + 2, b"BLOB", 4)
        if not read_row(args, net, blob, net.x):
            return blob and self.rows(c, net, args.items + 3)
        joined(c, net, blob, put_blob if blob else put_outputs)
        return 1

    cdef int rows(self, Session c, Hot net, const Span* rows) except -1:
        """Few rows of float32, one after another -> one bulk string of outputs."""
        cdef Py_ssize_t size = net.inputs * <Py_ssize_t>sizeof(float)
        cdef Py_ssize_t count = rows.size // size, i
        cdef Py_ssize_t answer = net.outputs * <Py_ssize_t>sizeof(float)
        if rows.size % size or not 0 < count <= BLOB_ROWS:
            return 0
        if net.words or not all_finite(rows.data, count * net.inputs):
            return 0
        c.out.put_header(c"$", count * answer)
        for i in range(count):
            memcpy(net.x, rows.data + i * size, size)
            net.run(net.x)
            c.out.put_raw(<const char*>net.y, answer)
        net.used(1)
        c.out.put_raw(b"\r\n", 2)
        return 1


cdef class Class(FastHandler):
    """NR.CLASS key i0..iN"""

    cdef int run(self, Session c, Args* args) except -1:
        cdef Hot net
        if args.count < 3:
            return 0
        net = lookup(c, args.items + 1)
        if net is None or not net.classifier or not read_row(args, net, False, net.x):
            return 0
        joined(c, net, False, put_class)
        return 1
