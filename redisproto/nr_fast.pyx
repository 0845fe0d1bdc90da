"""NR.RUN, NR.CLASS and NR.OBSERVE of one row: from argument spans to the reply, no Python objects.

Whatever is unusual is declined before anything has changed, and the ordinary handler does it:
errors, many rows, keys that expire, watched keys, a data set that must grow.

Runs of the same network that were sent in one go are joined into one batch: they are recognised by
their bytes before they are read. A batch and a single row may differ in the last bits.

A network found once is found again by comparing bytes: its ``Hot`` knows the key it is under and
is told when it moves or goes (``Value.on_moved``, ``Value.on_removed``).
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_Size
from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcmp, memcpy, memmove

import numpy as np

from respnet.engine.dataset cimport ANY, TEST, TRAIN, Dataset

from .database cimport Account, Database, Entry
from .numbers cimport NUMBER_TEXT, parse_float32, print_double
from .core cimport Row
from .reader cimport Reader
from .reply cimport Reply

cdef enum:
    SLOT_BITS = 10
    BLOB_ROWS = 32  # more are run as one batch by the ordinary handler
    BATCH_ROWS = 64  # pipelined runs that are joined, at most
    BATCH_NUMBERS = 16384  # inputs and outputs of them
    WORTH_A_BATCH = 4
    ROWS_FRAME = 1  # network_io.ROWS
    PLACE_BYTES = 5  # network_io.PLACE
    BULK_HEADER = 5  # "$17\r\n"

cdef list slots = [None] * (1 << SLOT_BITS)  # of Hot, by a hash of the key


cdef class Hot:
    """Of one network: where it was found, its present weights, its data sets."""

    def __cinit__(self, DataSplit data not None, model, Py_ssize_t outputs, bint classifier):
        self.data, self.classifier, self.outputs = data, classifier, outputs
        self.inputs, self.targets = data.train.input_columns, data.train.target_columns
        self.x = <float*>calloc(self.inputs + self.targets + outputs, sizeof(float))
        if self.x == NULL:
            raise MemoryError
        self.y = self.x + self.inputs + self.targets
        self.most = min(<Py_ssize_t>BATCH_ROWS, BATCH_NUMBERS // (self.inputs + outputs))
        self.use(model)

    def __dealloc__(self):
        free(self.x)

    def use(self, model):
        """The weights of ``model`` as they are now answer from now on."""
        self.model, self.bound = model, None

    def forget(self):
        """Key or id have changed: look the network up again."""
        self.entry = self.space = None

    def remove(self):
        """The network has no key any more."""
        self.forget()
        self.model = self.bound = None

    cdef inline bint is_at(self, Session c, const Span* key) noexcept:
        """Whether ``key`` is this network's, for sure."""
        return (self.entry is not None and self.db == c.db and self.space is c.server.keyspace
                and PyBytes_GET_SIZE(self.key) == key.size
                and memcmp(PyBytes_AS_STRING(self.key), key.data, key.size) == 0)

    cdef int place(self, Session c, bytes key, Entry entry) except -1:
        """It is found under ``key``."""
        value, space = entry.value, <Account?>c.server.keyspace
        self.id, self.generation, self.watches = value.id, value.generation, space.watches.data
        self.db, self.key, self.space, self.entry = c.db, key, space, entry
        return 0

    cdef inline void used(self, Py_ssize_t count) noexcept:
        """As ``Database.get`` counts hits."""
        self.space.hits += count
        self.entry.accessed = self.space.seconds

    cdef int run(self, const float* x) except -1:
        """x (I) -> self.y (O)"""
        if self.bound is None:
            self.bound = self.model.runner()
        self.bound.run_row(x, self.y)
        return 0

    cdef int make_rows(self) except -1:
        """Room for a batch."""
        cdef float[:, ::1] view
        if self.batch is None:
            self.batch = np.empty((self.most, self.inputs), np.float32)
            view = self.batch
            self.rows = &view[0, 0]
        return 0


cdef inline Py_ssize_t slot_of(const Span* key) noexcept:
    """From both ends of the key and its length: there names of one application differ."""
    cdef uint64_t head = 0, tail = 0
    cdef Py_ssize_t size = min(key.size, <Py_ssize_t>8)
    memcpy(&head, key.data, size)
    memcpy(&tail, key.data + key.size - size, size)
    head = (head ^ (tail * <uint64_t>0x9e3779b97f4a7c15)) + <uint64_t>key.size
    return <Py_ssize_t>((head * <uint64_t>0xbf58476d1ce4e5b9) >> (64 - SLOT_BITS))


cdef Hot lookup(Session c, const Span* key):
    """The network of a key that never expires, or None."""
    cdef Py_ssize_t slot = slot_of(key)
    cdef Hot net = slots[slot]
    if net is None or not net.is_at(c, key):
        net = find(c, PyBytes_FromStringAndSize(key.data, key.size))
        if net is None:
            return None
        slots[slot] = net
    return net if net.entry.expire_ms is None else None


cdef Hot find(Session c, bytes key):
    cdef Database db = c.server.keyspace[c.db]
    cdef Entry entry = db.entry(key)
    hot = None if entry is None else getattr(entry.value, "hot", None)
    if hot is not None:
        (<Hot>hot).place(c, key, entry)
    return hot


cdef inline bint read_numbers(const Span* words, Py_ssize_t count, float* out) noexcept:
    cdef Py_ssize_t i
    for i in range(count):
        if not parse_float32(words[i].data, words[i].size, out + i):
            return False
    return True


cdef inline bint is_word(const Span* span, const char* word, Py_ssize_t size) noexcept:
    """Whether the span is ``word`` (given in upper case) in any case."""
    cdef Py_ssize_t i
    if span.size != size:
        return False
    for i in range(size):
        if (span.data[i] & 0xDF) != word[i]:
            return False
    return True


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
        return args.count - 2 == net.inputs and read_numbers(args.items + 2, net.inputs, x)
    if args.items[3].size != net.inputs * <Py_ssize_t>sizeof(float):
        return False
    memcpy(x, args.items[3].data, args.items[3].size)
    return all_finite(args.items[3].data, net.inputs)


cdef Py_ssize_t gather(Session c, Hot net, bint blob, bint* odd) except -1:
    """The row in ``net.x``, and those of the same command to the same network that have arrived
    behind it, to ``net.rows`` -> how many. odd: the last command read is another matter."""
    cdef Reader reader = c.reader
    cdef const Span* same = reader.args.items + (2 if blob else 1)
    cdef Py_ssize_t prefix = same.data + same.size + 2 - reader.start, count = 1
    odd[0] = False
    if net.most < 2 or not repeats(reader, prefix):
        return 1
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


cdef inline Py_ssize_t largest(const float* y, Py_ssize_t count) noexcept:
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
        if not all_finite(rows.data, count * net.inputs):
            return 0
        c.out.put_header(c"$", count * answer)
        for i in range(count):
            memcpy(net.x, rows.data + i * size, size)
            net.run(net.x)
            c.out.put_raw(<const char*>net.y, answer)
        net.used(1)
        c.out.put_raw(b"\r\n", 2)
        return 1


cdef inline bint all_finite(const char* data, Py_ssize_t count) noexcept:
    """Whether no float32 has all bits of its exponent set; without a branch for each."""
    cdef uint32_t bits, found = 0
    cdef Py_ssize_t i
    for i in range(count):
        memcpy(&bits, data + i * 4, 4)
        found |= (bits & 0x7f800000) == 0x7f800000
    return found == 0


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


cdef class Observe(FastHandler):
    """NR.OBSERVE key i0..iN -> o0..oM [TRAIN|TEST]"""

    cdef int run(self, Session c, Args* args) except -1:
        cdef int target = ANY
        cdef Py_ssize_t count = args.count
        cdef Span* words = args.items + 2
        cdef Hot net
        if count < 5:
            return 0
        net = lookup(c, args.items + 1)
        if net is None or PyDict_Size(net.watches):
            return 0
        if is_word(args.items + count - 1, b"TRAIN", 5):
            target, count = TRAIN, count - 1
        elif is_word(args.items + count - 1, b"TEST", 4):
            target, count = TEST, count - 1
        if count != 3 + net.inputs + net.targets:
            return 0
        if not (words[net.inputs].size == 2 and memcmp(words[net.inputs].data, b"->", 2) == 0):
            return 0
        if not read_numbers(words, net.inputs, net.x):
            return 0
        if not read_numbers(words + net.inputs + 1, net.targets, net.x + net.inputs):
            return 0
        return self.store(c, net, target)

    cdef int store(self, Session c, Hot net, int target) except -1:
        """Put the row in ``net.x`` into its set and log where."""
        cdef float number = net.x[net.inputs]
        cdef Py_ssize_t slot, size
        cdef Dataset data
        if net.classifier and not (0 <= number < net.outputs and number == <Py_ssize_t>number):
            return 0
        data = net.data.pick(target, &slot)
        if data is None or not data.ready(slot):
            return 0
        size = data.columns * <Py_ssize_t>sizeof(float)
        memcpy(data.open(slot), net.x, size)
        if c.server.effects is not None:
            log_row(c, net, data is net.data.test, <uint32_t>slot, size)
        net.used(1)
        net.space.dirty += 1
        c.out.put_array(2)
        c.out.put_integer(net.data.train.length)
        c.out.put_integer(net.data.test.length)
        return 1


cdef int log_row(Session c, Hot net, bint test, uint32_t slot, Py_ssize_t size) except -1:
    """What ``network_io.frame`` makes of it, in one frame with the row before if that is new too."""
    cdef char* payload = c.server.effects.extend(ROWS_FRAME, net.id, net.generation,
                                                 PLACE_BYTES + size)
    payload[0] = <char>test
    memcpy(payload + 1, &slot, 4)
    memcpy(payload + PLACE_BYTES, net.x, size)
    return 0


def replay(DataSplit split not None, bytes payload not None):
    """Put the rows of a frame into their places; ValueError if it does not fit."""
    cdef Py_ssize_t size = split.train.columns * <Py_ssize_t>sizeof(float)
    cdef const char* at = PyBytes_AS_STRING(payload)
    cdef const char* end = at + PyBytes_GET_SIZE(payload)
    cdef Dataset data
    cdef uint32_t slot
    if (end - at) % (PLACE_BYTES + size):
        raise ValueError(f"rows of {PLACE_BYTES + size} bytes cannot make {end - at} bytes")
    while at < end:
        data = split.test if at[0] else split.train
        memcpy(&slot, at + 1, 4)
        if slot > data.length:
            raise ValueError(f"a row for slot {slot} of a data set of {data.length}")
        memcpy(data.open(slot), at + PLACE_BYTES, size)
        at += PLACE_BYTES + size


def parse_row(list words not None, Py_ssize_t start, Py_ssize_t count):
    """``count`` words from ``start`` as float32 bytes, or None if one is no finite number."""
    cdef bytes row = PyBytes_FromStringAndSize(NULL, count * <Py_ssize_t>sizeof(float))
    cdef float* out = <float*>PyBytes_AS_STRING(row)
    cdef Py_ssize_t i
    cdef bytes word
    for i in range(count):
        word = words[start + i]
        if not parse_float32(PyBytes_AS_STRING(word), PyBytes_GET_SIZE(word), out + i):
            return None
    return row
