"""AI.MODELEXECUTE of a small model on one row, over raw spans; everything else declines.

What is small is known from runs before (``ai_run``); the row goes from the bytes of one tensor to
those of the other. A run that fails is declined too: the ordinary handler does it again and tells.
"""

from .core cimport now
from .database cimport Database, Entry
from .fast_tensors cimport is_word, put_tensor, selected
from .reader cimport Args, Span, word
from .session cimport FastHandler, Session

from .ai_model import ModelValue
from .ai_run import AT_ONCE, note
from .ai_tensor import TensorValue

cdef object Model = ModelValue, Tensor = TensorValue
cdef double at_once = AT_ONCE


cdef inline bint is_plain(const Span* items) noexcept nogil:
    """AI.MODELEXECUTE key INPUTS 1 key OUTPUTS 1 key"""
    return (is_word(&items[2], b"INPUTS", 6) and is_word(&items[3], b"1", 1)
            and is_word(&items[5], b"OUTPUTS", 7) and is_word(&items[6], b"1", 1))


cdef inline object ready(object executor, object model, object dtype, object shape):
    """The Runnable if a run on one such tensor may be done now and here, or None."""
    cdef object runnable = model.loaded, queue
    if runnable is None or model.stats is None or model.options.batch:
        return None
    if runnable.row != (dtype, shape):
        return None
    queue = executor.queues.get(model.options.queue)
    if queue is None or not queue.idle:
        return None
    if runnable.costs.get((shape,), at_once) >= at_once:
        return None
    return runnable


cdef object run_row(object executor, object model, object dtype, object shape, object data,
                    double* seconds):
    """(type, shape, bytes) of the output of a model's run on one tensor, which took ``seconds``; or
    None, if it may not be done now and here or fails."""
    cdef double start
    runnable = ready(executor, model, dtype, shape)
    if runnable is None:
        return None
    start = now()
    try:
        made = runnable.run_row(data)
    except Exception:
        return None
    seconds[0] = now() - start
    note(runnable.costs, (shape,), seconds[0])
    return made


cdef Entry used(Database db, bytes key, object kind):
    """The entry of a key with a value of this class, or None."""
    cdef Entry entry = db.entry(key)
    if entry is None or type(entry.value) is not kind:
        return None
    return entry


cdef class ModelExecute(FastHandler):
    cdef int run(self, Session c, Args* args) except -1:
        cdef Span* items = args.items
        cdef Database db
        cdef Entry model, source, target
        cdef bytes key
        cdef double seconds
        if args.count != 8 or not is_plain(items):
            return 0
        executor = getattr(c.server, "ai", None)
        if executor is None:
            return 0
        db = selected(c)
        model, source = used(db, word(&items[1]), Model), used(db, word(&items[4]), Tensor)
        if model is None or source is None:
            return 0
        key = word(&items[7])
        target = db.entry(key)
        if target is not None and type(target.value) is not Tensor:
            return 0
        tensor = source.value
        made = run_row(executor, model.value, tensor.dtype, tensor.shape, tensor.data, &seconds)
        if made is None:
            return 0
        dtype, shape, data = made
        del tensor  # put_tensor looks whether anybody holds what is at its key
        model.value.stats.succeeded(seconds, 1)
        db.space.hits += 2
        model.accessed = source.accessed = db.space.seconds
        put_tensor(c, db, key, target, dtype, shape, data)
        c.out.put_raw(b"+OK\r\n", 5)
        return 1
