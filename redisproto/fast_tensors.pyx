"""AI.TENSORSET ... BLOB and AI.TENSORGET ... BLOB over raw spans; everything else declines.

A tensor that only its key holds takes new bytes of the same type and shape without a new object:
nobody can see it change. If they are few they are logged, which costs the store next to nothing.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.ref cimport Py_REFCNT

from .database cimport Database, Entry
from .numbers cimport parse_long_long
from .reader cimport Args, Span, word
from .session cimport FastHandler, Session

from .ai_tensor import DATA, DTYPES, LOGGED, MOST_BYTES, MOST_FRAME, TensorValue
from .keyspace import NoStore

cdef enum:
    TYPES = 8  # those whose bytes may be anything
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


cdef class TensorSet(FastHandler):
    cdef int run(self, Session c, Args* args) except -1:
        cdef Span* items = args.items
        cdef Py_ssize_t rank = args.count - 5, i
        cdef long long sizes[DIMS]
        cdef Database db
        cdef Entry entry
        cdef bytes key
        cdef int kind
        if not 0 <= rank <= DIMS or not is_word(&items[rank + 3], b"BLOB", 4):
            return 0
        kind = type_of(&items[2])
        if kind < 0:
            return 0
        if read_sizes(&items[3], rank, sizes, types[kind].item_bytes) != items[rank + 4].size:
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
        put_tensor(c, db, key, entry, NAMES[kind], shape, word(&items[rank + 4]))
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
        cdef bytes data
        cdef bint meta = args.count == 4
        if not (args.count == 3 or meta and is_word(&items[2], b"META", 4)):
            return 0
        if not is_word(&items[args.count - 1], b"BLOB", 4):
            return 0
        db = selected(c)
        entry = db.entry(word(&items[1]))
        if entry is None or type(entry.value) is not Tensor:
            return 0
        db.space.hits += 1
        entry.accessed = db.space.seconds
        if meta:
            put_meta(c, entry.value)
        data = entry.value.data
        c.out.put_bytes(data)
        return 1


cdef int put_meta(Session c, object value) except -1:
    cdef bytes name = value.dtype.encode()
    cdef tuple shape = value.shape
    cdef Py_ssize_t i
    c.out.put_array(6)
    c.out.put_bulk(b"dtype", 5)
    c.out.put_bulk(PyBytes_AS_STRING(name), PyBytes_GET_SIZE(name))
    c.out.put_bulk(b"shape", 5)
    c.out.put_array(len(shape))
    for i in range(len(shape)):
        c.out.put_integer(shape[i])
    return c.out.put_bulk(b"blob", 4)
