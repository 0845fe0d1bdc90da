"""The CPU executor: a lowered program as C steps, and weights bound to it.

``Executable`` holds steps and no numbers; ``Bound`` adds one version of the weights, packed. Both
are immutable, so any number of threads runs them at once, each on frames of its own.
"""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.math cimport INFINITY
from libc.stdlib cimport calloc, free
from libc.string cimport memset
from posix.stdlib cimport posix_memalign

from respnet.engine.kernels.abi cimport (
    FAULT_PYTHON, FAULT_TOKEN, MAX_CONSTANTS, MAX_DIMS, MAX_OPERANDS, MAX_TERMS,
    RESPNET_LEVEL_CAPSULE, SPACE_EXTERNAL, SPACE_GRADIENTS, SPACE_PACKS, SPACE_PARAMETERS,
    SPACE_WORK, respnet_entry, respnet_kernel, respnet_sizes, respnet_term)

from respnet.engine.kernels.callback cimport Callback

cimport numpy as cnp

import numpy as np

from respnet.engine.errors import ShapeError
from respnet.engine.kernels import levels

cnp.import_array()

cdef extern from "<sys/mman.h>" nogil:
    int madvise(void *address, size_t length, int advice)
    int MADV_HUGEPAGE

cdef extern from "run.h" nogil:
    unsigned run_enter()
    void run_leave(unsigned before)
    void run_steps(const respnet_step *steps, int count, respnet_frame *frame)
    void run_batch(respnet_batch *b, int threads)
    double run_training_step(respnet_batch *b, int threads)
    void run_gradients(respnet_batch *b, int threads)
    void run_update(const respnet_program *p, respnet_frame *f, int first, int threads)
    double run_epoch(respnet_batch *b, int threads, char **data, const int64_t *order, int64_t n,
                     int64_t size, const int *cancel, respnet_term *seen)
    void gather_rows(const respnet_program *p, const char *source, int64_t columns,
                     const int64_t *order, int64_t count, char *out)

cdef int64_t HUGE = 2 << 20
# Below this many multiply-adds a run is shorter than letting the GIL go and taking it back.
cdef int64_t KEEP_GIL = 40_000


cdef void execute_steps(const respnet_step *steps, int count, respnet_frame *frame) noexcept nogil:
    cdef unsigned before = run_enter()
    run_steps(steps, count, frame)
    run_leave(before)


cdef int raise_fault(Executable executable, respnet_frame *frame) except -1:
    """Errors of a run: steps have no other way to refuse what they read."""
    cdef Callback callback
    cdef int64_t fault = frame.fault
    if fault == FAULT_PYTHON:
        frame.fault = 0
        for callback in executable.callbacks:
            error = callback.take_error(<size_t>frame.fault_value)
            if error is not None:
                raise error
    if fault:
        frame.fault = 0
        who = "a category encoding" if fault == FAULT_TOKEN else "an embedding"
        raise ShapeError(f"{who} wants whole numbers from 0 to {frame.fault_limit:.0f}, "
                         f"got {frame.fault_value:g}")
    return 0


cdef void execute_batch(respnet_batch *b, int threads) noexcept nogil:
    run_batch(b, threads)


cdef void execute_gradients(respnet_batch *b, int threads) noexcept nogil:
    run_gradients(b, threads)


cdef void execute_update(
        const respnet_program *p, respnet_frame *frame, int first, int threads) noexcept nogil:
    run_update(p, frame, first, threads)


cdef double execute_training_step(respnet_batch *b, int threads) noexcept nogil:
    return run_training_step(b, threads)


cdef double execute_epoch(respnet_batch *b, int threads, char **data, const int64_t *order,
                          int64_t n, int64_t size, const int *cancel,
                          respnet_term *seen) noexcept nogil:
    return run_epoch(b, threads, data, order, n, size, cancel, seen)


cdef void gather(const respnet_program *p, const char *source, int64_t columns,
                 const int64_t *order, int64_t count, char *out) noexcept nogil:
    gather_rows(p, source, columns, order, count, out)


cdef class Memory:
    """Zeroed memory aligned to 64 bytes; large pieces lie in huge pages where there are any."""

    def __cinit__(self, int64_t size):
        cdef int64_t alignment = HUGE if size >= HUGE else 64
        self.size = (max(size, 64) + alignment - 1) // alignment * alignment
        if posix_memalign(<void **>&self.data, alignment, self.size):
            self.data = NULL
            raise MemoryError(f"no memory for {size} bytes")
        if alignment == HUGE:
            madvise(self.data, self.size, MADV_HUGEPAGE)
        if alignment == HUGE:  # fetching its pages takes long
            with nogil:
                memset(self.data, 0, self.size)
        else:
            memset(self.data, 0, self.size)

    def __dealloc__(self):
        free(self.data)


cdef const respnet_level *level_table(str name) except NULL:
    return <const respnet_level *>PyCapsule_GetPointer(levels.load(name), RESPNET_LEVEL_CAPSULE)


class Sizes:
    """What a level's packed kernels and workspaces take, in numbers of ``dtype``."""

    def __init__(self, str level, dtype):
        self.level, self.double = level, np.dtype(dtype).itemsize == 8

    def wide(self, int64_t inputs, int64_t outputs):
        return table_sizes(self.level, self.double).wide(inputs, outputs)

    def panels(self, int64_t inputs, int64_t outputs):
        return table_sizes(self.level, self.double).panels(inputs, outputs)

    def workspace(self, int64_t inputs, int64_t outputs, int64_t rows):
        return table_sizes(self.level, self.double).workspace(inputs, outputs, rows)


cdef const respnet_sizes *table_sizes(str level, bint double) except NULL:
    cdef const respnet_level *table = level_table(level)
    return &table.float64 if double else &table.float32


cdef class Executable:
    """The steps of a lowered program (``lowering.Lowered``) for one level and dtype.

    update: kernels of the optimizer step, for training programs.
    """

    def __init__(self, str level, dtype, lowered, str mode="predict", list update=None):
        cdef int i
        self.level = level_table(level)
        self.dtype = np.dtype(dtype)
        self.type_number = cnp.NPY_FLOAT64 if self.dtype.itemsize == 8 else cnp.NPY_FLOAT32
        self.layout, self.mode, self.callbacks = lowered.layout, mode, []
        self.whole_batches = lowered.whole_batches
        self.assemble(&self.program.prepare, &self.program.prepares, lowered.prepare)
        self.assemble(&self.program.steps, &self.program.count, lowered.steps)
        self.assemble(&self.program.counting, &self.program.countings, lowered.counting)
        self.assemble(&self.program.update, &self.program.updates, update or [])
        self.program.lanes = lowered.layout == "lanes"
        self.program.rows = lowered.rows
        self.program.element = self.dtype.itemsize
        self.program.work = lowered.work
        self.program.packs = lowered.packs
        self.program.trainable = lowered.trainable
        if len(lowered.columns) > RESPNET_EXTERNALS:
            raise ShapeError(f"a program has at most {RESPNET_EXTERNALS} inputs and outputs, "
                             f"got {len(lowered.columns)}")
        self.program.externals = len(lowered.columns)
        for i, columns in enumerate(lowered.columns):
            self.program.columns[i] = columns
        if len(lowered.terms) > MAX_TERMS:
            raise ShapeError(f"a program has at most {MAX_TERMS} losses, got {len(lowered.terms)}")
        self.program.terms = len(lowered.terms)
        for i, (places, weight) in enumerate(lowered.terms):
            self.program.places[i], self.program.weight[i] = places, weight
        self.cost = lowered.trainable

    def __dealloc__(self):
        free(self.program.prepare)
        free(self.program.steps)
        free(self.program.counting)
        free(self.program.update)

    cdef int assemble(self, respnet_step **steps, int *count, list kernels) except -1:
        cdef respnet_step *step
        cdef Callback callback
        cdef int i, k
        steps[0] = <respnet_step *>calloc(max(len(kernels), 1), sizeof(respnet_step))
        if steps[0] == NULL:
            raise MemoryError()
        for k, kernel in enumerate(kernels):
            if (len(kernel.operands) > MAX_OPERANDS or len(kernel.dims) >= MAX_DIMS
                    or len(kernel.constants) > MAX_CONSTANTS):
                raise ValueError(f"{kernel.name} has more operands, dims or constants than a step")
            step = steps[0] + k
            if kernel.callback is None:
                step.run = self.find(kernel.name)
            for i in range(MAX_OPERANDS):
                step.space[i] = -1
            for i, operand in enumerate(kernel.operands):
                if operand is not None:
                    step.space[i], step.offset[i] = operand
            for i, dim in enumerate(kernel.dims):
                step.dim[i] = dim
            step.dim[MAX_DIMS - 1] = kernel.repeats
            step.times = kernel.times
            for i, constant in enumerate(kernel.constants):
                step.constant[i] = constant
            if kernel.callback is not None:
                callback = kernel.callback
                callback.attach(step, self.type_number, self.dtype.itemsize)
                self.callbacks.append(callback)
        count[0] = len(kernels)
        return 0

    cdef respnet_kernel find(self, str name) except *:
        cdef bytes wanted = name.encode()
        cdef const respnet_entry *entry
        cdef int i
        for i in range(self.level.count):
            entry = self.level.entries + i
            if entry.name != NULL and entry.name == wanted:
                return entry.float64 if self.dtype.itemsize == 8 else entry.float32
        raise NotImplementedError(f"level {self.level.name.decode()} has no kernel {name!r}")

    @property
    def rows(self):
        """Rows of a sub-batch, at most."""
        return self.program.rows

    @property
    def work_bytes(self):
        """Memory of one frame."""
        return self.program.work * self.program.element


cdef class Frames:
    """``slots`` frames, each with work memory (and gradients, for training) of its own."""

    def __init__(self, Executable executable, int slots, bint gradients=False):
        cdef const respnet_program *p = &executable.program
        cdef Memory memory
        cdef int i
        self.slots = slots
        self.memory = []
        self.frames = <respnet_frame *>calloc(slots, sizeof(respnet_frame))
        if self.frames == NULL:
            raise MemoryError()
        for i in range(slots):
            self.frames[i].stride = p.rows
            self.frames[i].previous_loss = INFINITY
            memory = Memory(p.work * p.element)
            self.memory.append(memory)
            self.frames[i].base[SPACE_WORK] = memory.data
            if gradients:
                memory = Memory(p.trainable * p.element)
                self.memory.append(memory)
                self.frames[i].base[SPACE_GRADIENTS] = memory.data

    def __dealloc__(self):
        free(self.frames)


cdef class Bound:
    """An executable and one version of the weights: what answers.

    vector: the flat parameter vector; it must not change while this object lives.
    """

    def __init__(self, Executable executable, vector):
        if not (cnp.PyArray_Check(vector) and vector.dtype == executable.dtype
                and vector.flags.c_contiguous and vector.ndim == 1):
            raise ShapeError(f"weights must be one contiguous {executable.dtype} vector")
        self.executable = executable
        self.vector = vector
        self.packs = Memory(executable.program.packs * executable.program.element)
        self.free = []
        self.inputs = executable.program.columns[0]
        self.outputs = executable.program.columns[executable.program.externals - 1]
        self.pack()
        self.row = self.borrow(1)

    def pack(self):
        """Make the packed copies again, after the vector has changed."""
        cdef respnet_frame frame
        memset(&frame, 0, sizeof(respnet_frame))
        frame.base[SPACE_PARAMETERS] = <char *>cnp.PyArray_DATA(self.vector)
        frame.base[SPACE_PACKS] = self.packs.data
        with nogil:
            execute_steps(self.executable.program.prepare, self.executable.program.prepares, &frame)

    cdef Frames borrow(self, int slots):
        cdef Frames frames
        cdef int i
        if slots == 1 and self.free:
            return self.free.pop()
        frames = Frames(self.executable, slots)
        for i in range(slots):
            frames.frames[i].base[SPACE_PARAMETERS] = <char *>cnp.PyArray_DATA(self.vector)
            frames.frames[i].base[SPACE_PACKS] = self.packs.data
        return frames

    cdef void run_row(self, const void *x, void *y) noexcept nogil:
        """One row, by whoever owns this object: x (I) -> y (O). Not for two threads at once."""
        cdef respnet_frame *frame = self.row.frames
        frame.rows = frame.batch = 1
        frame.base[SPACE_EXTERNAL] = <char *>x
        frame.base[SPACE_EXTERNAL + 1] = <char *>y
        execute_steps(self.executable.program.steps, self.executable.program.count, frame)

    cdef object predict(self, x, int threads):
        """x (B,I), contiguous and of the executable's dtype -> y (B,O), a new array."""
        cdef char *external[2]
        cdef cnp.npy_intp shape[2]
        if not (cnp.PyArray_CheckExact(x) and cnp.PyArray_TYPE(x) == self.executable.type_number
                and cnp.PyArray_IS_C_CONTIGUOUS(x) and cnp.PyArray_NDIM(x) == 2
                and cnp.PyArray_DIM(x, 1) == self.inputs):
            x = checked(x, self.executable.dtype, self.inputs)
        shape[0], shape[1] = cnp.PyArray_DIM(x, 0), self.outputs
        y = cnp.PyArray_SimpleNew(2, shape, self.executable.type_number)
        external[0], external[1] = <char *>cnp.PyArray_DATA(x), <char *>cnp.PyArray_DATA(y)
        self.run(external, shape[0], threads)
        return y

    def run_arrays(self, list inputs, int threads=1):
        """Any number of inputs, each (B, columns), contiguous -> the outputs, each (B, columns)."""
        cdef const respnet_program *p = &self.executable.program
        cdef char *external[32]
        cdef int i
        cdef int64_t rows = len(inputs[0])
        arrays = [checked(x, self.executable.dtype, p.columns[i]) for i, x in enumerate(inputs)]
        for i in range(len(inputs), p.externals):
            arrays.append(np.empty((rows, p.columns[i]), self.executable.dtype))
        for i, array in enumerate(arrays):
            if len(array) != rows:
                raise ShapeError(f"input {i} has {len(array)} rows, input 0 has {rows}")
            external[i] = <char *>cnp.PyArray_DATA(array)
        self.run(external, rows, threads)
        return arrays[len(inputs):]

    cdef int run(self, char **external, int64_t rows, int threads) except -1:
        """``rows`` rows from and to ``external``; long runs let the GIL go."""
        cdef respnet_batch batch
        cdef Frames frames
        if rows <= self.executable.program.rows:
            threads = 1
        frames = self.borrow(threads)
        batch.program = &self.executable.program
        batch.frames, batch.slots = frames.frames, threads
        batch.external, batch.batch = external, rows
        if rows * self.executable.cost < KEEP_GIL:
            run_batch(&batch, 1)
        else:
            with nogil:
                run_batch(&batch, threads)
        raise_fault(self.executable, frames.frames)
        if threads == 1:
            self.free.append(frames)
        return 0


cdef class Predictor:
    """What answers: one version of the weights, bound for single rows and for batches when first
    needed. ``_bind(layout)`` of a subclass makes the Bound. ``single``: one row of known shape in
    and one out. ``shaped``: these are not both flat; ``_predict_shaped`` answers.
    """

    def predict(self, x):
        """x (B,...) -> y (B,...), a new array of the model's dtype; lists if there are several."""
        if self.shaped:
            return self._predict_shaped(x)
        if cnp.PyArray_CheckExact(x) and cnp.PyArray_NDIM(x) and cnp.PyArray_DIM(x, 0) == 1:
            if self.row is None:
                self.row = self._bind("row")
            return self.row.predict(x, 1)
        if self.batch is None:
            self.batch = self._bind("batch")
        return self.batch.predict(x, self.threads)

    def runner(self):
        """A Bound of its own to the present weights, for single rows (Cython: ``run_row``)."""
        return self._bind("row")

    def _forget(self):
        self.row = self.batch = None


cdef object checked(x, dtype, int64_t columns):
    x = np.ascontiguousarray(x, dtype)
    if x.ndim != 2 or x.shape[1] != columns:
        raise ShapeError(f"predict wants rows of {columns} numbers, shape (B, {columns}); "
                         f"got shape {x.shape}")
    return x
