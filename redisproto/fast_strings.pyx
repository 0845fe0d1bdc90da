"""GET and SET over raw spans, in their plain forms; everything else declines."""

from .database cimport Database, Entry
from .reader cimport Args, word
from .session cimport FastHandler, Session

from .values import StringValue

cdef object String = StringValue


cdef class Get(FastHandler):
    cdef int run(self, Session c, Args* args) except -1:
        cdef Database db
        cdef Entry entry
        cdef bytes data
        if args.count != 2:
            return 0
        db = c.server.keyspace[c.db]
        entry = db.entry(word(&args.items[1]))
        if entry is None:
            db.space.misses += 1
            c.out.put_null()
            return 1
        if type(entry.value) is not String:
            return 0
        db.space.hits += 1
        entry.accessed = db.space.seconds
        data = entry.value.data
        c.out.put_bytes(data)
        return 1


cdef class Set(FastHandler):
    cdef int run(self, Session c, Args* args) except -1:
        cdef Database db
        if args.count != 3:
            return 0
        db = c.server.keyspace[c.db]
        db.set(word(&args.items[1]), String(word(&args.items[2])), None)
        c.out.put_raw(b"+OK\r\n", 5)
        return 1
