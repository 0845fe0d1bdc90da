"""AI.TENSORSET and AI.TENSORGET of BLOB, and of VALUES of FLOAT, over raw spans; everything else
declines.

A tensor that only its key holds takes new bytes of the same type and shape without a new object:
nobody can see it change. If they are few they are logged, which costs the store next to nothing.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.ref cimport Py_REFCNT

from .database cimport Database, Entry
from .nr_run cimport put_doubles
from .numbers cimport parse_float32, parse_long_long
from .reader cimport Args, Span, word
from .session cimport FastHandler, Session

from .ai_tensor import DATA, DTYPES, LOGGED, MOST_BYTES, MOST_FRAME, TensorValue
from .keyspace import NoStore

cdef enum:
    TYPES = 8  # those whose bytes may be anything
    FLOAT = 0  # its place among them
    DIMS = 8  # tensors of more dimensions are left to the ordinary handler

cdef struct Type:
    char name[8]  # as many letters as the longest has, and more
    Py_ssize_t size, item_bytes

cdef Type types[TYPES]
cdef tuple NAMES = tuple([name for name in DTYPES if name != "BOOL"])
cdef object Tensor = TensorValue, Nothing = NoStore
cdef Py_ssize_t most_bytes = MOST_BYTES, most_frame = MOST_FRAME
cdef int frame_type = DATA, most_frames = LOGGED


cdef fill_types():
    cdef bytes name
    for i, text in enumerate(NAMES):
        name = text.encode()
        types[i].size, types[i].item_bytes = len(name), DTYPES[text].itemsize
        for j in range(len(name)):
            types[i].name[j] = name[j]


fill_types()


cdef inline int type_of(const Span* span) noexcept nogil:
    """Place in NAMES, or -1."""
    cdef int i
    for i in range(TYPES):
        if is_word(span, types[i].name, types[i].size):
            return i
    return -1


cdef inline Py_ssize_t read_sizes(const Span* spans, Py_ssize_t rank, long long* sizes,
                                  Py_ssize_t item_bytes) noexcept:
    """Spans -> the sizes of a shape; its bytes, or -1 if it is none or too large."""
    cdef Py_ssize_t i, total = item_bytes
    for i in range(rank):
        if not parse_long_long(spans[i].data, spans[i].size, &sizes[i]) or sizes[i] < 1:
            return -1
        if sizes[i] > most_bytes // total:
            return -1
        total *= sizes[i]
    return total


cdef inline bint has_shape(object shape, const long long* sizes, Py_ssize_t rank) except -1:
    cdef tuple known = shape
    cdef Py_ssize_t i
    if len(known) != rank:
        return False
    for i in range(rank):
        if <long long>known[i] != sizes[i]:
            return False
    return True


cdef Py_ssize_t form_at(const Args* args) noexcept nogil:
    """The place of BLOB or VALUES, or -1."""
    cdef Py_ssize_t i
    for i in range(3, min(args.count, <Py_ssize_t>DIMS + 4)):
        if is_word(&args.items[i], b"BLOB", 4) or is_word(&args.items[i], b"VALUES", 6):
            return i
    return -1


cdef bytes data_of(const Span* form, Py_ssize_t count, int kind, Py_ssize_t size):
    """The bytes of a tensor of ``size`` bytes, from the words behind its form; or None."""
    if form.size == 4:
        return word(form + 1) if count == 1 and form[1].size == size else None
    if kind != FLOAT or size < 0 or count != size // <Py_ssize_t>sizeof(float):
        return None
    return floats(form + 1, count)


cdef bytes floats(const Span* words, Py_ssize_t count):
    """Words -> the bytes of as many float32, or None."""
    cdef bytes data = PyBytes_FromStringAndSize(NULL, count * <Py_ssize_t>sizeof(float))
    cdef float* out = <float*>PyBytes_AS_STRING(data)
    cdef Py_ssize_t i
    for i in range(count):
        if not parse_float32(words[i].data, words[i].size, out + i):
            return None
    return data


cdef class TensorSet(FastHandler):
    cdef int run(self, Session c, Args* args) except -1:
        cdef Span* items = args.items
        cdef Py_ssize_t rank, size, i
        cdef long long sizes[DIMS]
        cdef Database db
        cdef Entry entry
        cdef bytes key, data
        cdef int kind
        rank = form_at(args) - 3
        kind = type_of(&items[2]) if rank >= 0 else -1
        if kind < 0:
            return 0
        size = read_sizes(&items[3], rank, sizes, types[kind].item_bytes)
        data = data_of(&items[rank + 3], args.count - rank - 4, kind, size)
        if data is None:
            return 0
        db = selected(c)
        key = word(&items[1])
        entry = db.entry(key)
        if entry is None:
            shape = None
        elif type(entry.value) is not Tensor:
            return 0
        else:
            shape = entry.value.shape
        if shape is None or not has_shape(shape, sizes, rank):
            shape = tuple([sizes[i] for i in range(rank)])
        put_tensor(c, db, key, entry, NAMES[kind], shape, data)
        c.out.put_raw(b"+OK\r\n", 5)
        return 1


cdef int put_tensor(Session c, Database db, bytes key, Entry entry, object dtype, object shape,
                    bytes data) except -1:
    """A tensor at a key: entry is what is there, of a tensor or None; data fit type and shape."""
    cdef object value
    if entry is not None:
        value = entry.value
        if (value.dtype == dtype and value.shape == shape and entry.expire_ms is None
                and Py_REFCNT(value) == 2):
            value.data = data
            db.changed(key)
            return record(c, db, key, value, data)
    return db.set(key, Tensor(dtype, shape, data), None) is None


cdef int record(Session c, Database db, bytes key, object value, bytes data) except -1:
    """The store is told the new bytes of a tensor."""
    cdef Py_ssize_t size = PyBytes_GET_SIZE(data)
    cdef int logged = value.logged
    store = db.space.store
    if type(store) is Nothing:
        return 0
    if c.server.effects is None or size > most_frame or logged >= most_frames:
        store.put(db.index, key, value, None)
        return 0
    c.server.effects.frame(frame_type, value.id, value.generation, PyBytes_AS_STRING(data), size)
    value.logged = logged + 1
    return 0


cdef class TensorGet(FastHandler):
    cdef int run(self, Session c, Args* args) except -1:
        cdef Span* items = args.items
        cdef Database db
        cdef Entry entry
        cdef object value
        cdef bint meta = args.count == 4, blob
        if not (args.count == 3 or meta and is_word(&items[2], b"META", 4)):
            return 0
        blob = is_word(&items[args.count - 1], b"BLOB", 4)
        if not blob and not is_word(&items[args.count - 1], b"VALUES", 6):
            return 0
        db = selected(c)
        entry = db.entry(word(&items[1]))
        if entry is None or type(entry.value) is not Tensor:
            return 0
        value = entry.value
        if not blob and value.dtype != "FLOAT":
            return 0
        db.space.hits += 1
        entry.accessed = db.space.seconds
        if meta:
            put_meta(c, value, b"blob" if blob else b"values")
        if blob:
            c.out.put_bytes(value.data)
        else:
            put_floats(c, value.data)
        return 1


cdef int put_floats(Session c, bytes data) except -1:
    """The float32 in ``data`` as an array of doubles."""
    return put_doubles(c.out, <const float*>PyBytes_AS_STRING(data),
                       PyBytes_GET_SIZE(data) // <Py_ssize_t>sizeof(float))


cdef int put_meta(Session c, object value, bytes form) except -1:
    cdef bytes name = value.dtype.encode()
    cdef tuple shape = value.shape
    cdef Py_ssize_t i
    c.out.put_array(6)
    c.out.put_bulk(b"dtype", 5)
    c.out.put_bytes(name)
    c.out.put_bulk(b"shape", 5)
    c.out.put_array(len(shape))
    for i in range(len(shape)):
        c.out.put_integer(shape[i])
    return c.out.put_bytes(form)
