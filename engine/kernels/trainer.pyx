"""Training on the CPU: batches, gradients, optimizer steps, whole epochs, without the GIL."""

from libc.stdint cimport int64_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

from respnet.engine.kernels.abi cimport (
    MAX_CONSTANTS, SPACE_GRADIENTS, SPACE_PACKS, SPACE_PARAMETERS, SPACE_STATE, respnet_step,
    respnet_term)
from respnet.engine.kernels.executor cimport (
    Executable, Frames, Memory, RESPNET_MAX_SLOTS, execute_batch, execute_epoch,
    execute_gradients, execute_steps, execute_training_step, execute_update, gather, raise_fault,
    respnet_batch, respnet_program)

cimport numpy as cnp

import numpy as np

from respnet.engine.errors import ShapeError

cnp.import_array()


cdef class Staged:
    """Rows in the layout a program wants: inputs, targets and, if it is weighted, row weights.

    arrays: one (N, columns) array an external, C-contiguous, of the program's dtype; None for those
    the program writes.
    """

    cdef readonly int64_t rows
    cdef readonly list arrays
    cdef Executable executable
    cdef list memory
    cdef bint ready
    cdef char *staged[32]

    def __init__(self, Executable executable, list arrays):
        cdef int i, externals = executable.program.externals
        if len(arrays) != externals:
            raise ShapeError(f"the program reads {externals} arrays, got {len(arrays)}")
        self.rows = len(arrays[0])
        self.executable, self.arrays, self.memory, self.ready = executable, arrays, [], False
        for i, array in enumerate(arrays):
            if array is not None:
                self.check(executable, i, array)

    cdef int prepare(self) except -1:
        """Lay all rows out as the program wants them, when they are first run as one batch."""
        cdef int i
        for i, array in enumerate(self.arrays):
            self.staged[i] = self.stage(self.executable, i, array)
        self.ready = True
        return 0

    cdef int check(self, Executable executable, int i, array) except -1:
        cdef int64_t columns = executable.program.columns[i]
        if not (cnp.PyArray_CheckExact(array) and array.dtype == executable.dtype
                and array.flags.c_contiguous and array.shape == (self.rows, columns)):
            raise ShapeError(f"array {i} must be contiguous {executable.dtype} of shape "
                             f"({self.rows}, {columns}); got {array.dtype} {array.shape}")
        return 0

    cdef char *stage(self, Executable executable, int i, array) except NULL:
        cdef int64_t rows = executable.program.rows, blocks = (self.rows + rows - 1) // rows
        cdef Memory memory
        cdef cnp.ndarray order
        if array is not None and not executable.program.lanes:
            return <char *>cnp.PyArray_DATA(array)
        memory = Memory(max(blocks, 1) * rows * executable.program.columns[i]
                        * executable.program.element)
        self.memory.append(memory)
        if array is None:
            return memory.data
        order = np.arange(self.rows, dtype=np.int64)
        gather(&executable.program, <const char *>cnp.PyArray_DATA(array),
                    executable.program.columns[i], <const int64_t *>cnp.PyArray_DATA(order),
                    self.rows, memory.data)
        return memory.data


cdef bint inside(const int64_t *numbers, int64_t n, int64_t end) noexcept nogil:
    """Whether all are at least 0 and below ``end``."""
    cdef int64_t i
    for i in range(n):
        if not 0 <= numbers[i] < end:
            return False
    return True


cdef class Core:
    """Weights in training: a vector, optimizer state, and the frames that work on them.

    vector: the flat parameters, changed in place; state: (slots, trainable). executable: in mode
    train with update steps, or evaluate. slots: gradients are added up in so many parts, in a
    fixed order, so equal slots give equal bits.
    """

    cdef readonly Executable executable
    cdef readonly object vector
    cdef readonly object state
    cdef Frames frames
    cdef Memory packs
    cdef respnet_batch batch
    cdef char *external[32]
    cdef int cancelled
    cdef readonly int threads
    cdef respnet_program program
    cdef list buffers
    cdef int64_t buffered

    def __init__(self, Executable executable, vector, state=None, int threads=1, uint64_t seed=0):
        cdef int i
        self.executable, self.vector, self.state = executable, vector, state
        self.threads = max(1, threads)
        cdef int slots = min(2 * self.threads, RESPNET_MAX_SLOTS)
        if self.threads == 1 or executable.whole_batches:
            slots = 1
        self.frames = Frames(executable, slots, executable.program.updates > 0)
        self.packs = Memory(executable.program.packs * executable.program.element)
        self.buffers, self.buffered = [], 0
        for i in range(slots):
            self.frames.frames[i].base[SPACE_PARAMETERS] = <char *>cnp.PyArray_DATA(vector)
            self.frames.frames[i].base[SPACE_PACKS] = self.packs.data
            if state is not None:
                self.frames.frames[i].base[SPACE_STATE] = <char *>cnp.PyArray_DATA(state)
        self.frames.frames[0].seed = seed
        self.own_updates()
        self.batch.program = &self.program
        self.batch.frames, self.batch.slots = self.frames.frames, slots
        self.batch.external = self.external
        self.pack()

    def __dealloc__(self):
        free(self.program.update)

    cdef int own_updates(self) except -1:
        """The program with update steps of its own: their constants may change between batches."""
        cdef respnet_program *p = &self.executable.program
        cdef size_t size = max(p.updates, 1) * sizeof(respnet_step)
        self.program = p[0]
        self.program.update = <respnet_step *>calloc(1, size)
        if self.program.update == NULL:
            raise MemoryError()
        memcpy(self.program.update, p.update, p.updates * sizeof(respnet_step))
        return 0

    def set_constants(self, list constants, int step=-1):
        """Constants of an update step (the last one: the optimizer's), from the next batch on."""
        cdef int i
        step += self.program.updates if step < 0 else 0
        if not 0 <= step < self.program.updates or len(constants) > MAX_CONSTANTS:
            raise ShapeError(f"no update step {step} with {len(constants)} constants")
        for i, constant in enumerate(constants):
            self.program.update[step].constant[i] = constant

    def pack(self):
        """Make packed weights again, after the vector was changed from outside."""
        with nogil:
            execute_steps(self.executable.program.prepare, self.executable.program.prepares,
                          self.frames.frames)

    cpdef bint takes(self, int64_t rows):
        """Whether a batch of so many rows can be run: some programs want it as one sub-batch."""
        return not self.executable.whole_batches or rows <= self.program.rows

    cdef int check_batch(self, int64_t rows) except -1:
        if not self.takes(rows):
            raise ShapeError(f"the program takes batches of at most {self.program.rows} rows as a "
                             f"whole, got {rows}")
        return 0

    def cancel(self):
        """Make a running call return after its batch; it may come from any thread."""
        self.cancelled = 1

    @property
    def clock(self):
        """(optimizer steps done, loss of the last batch): what resuming needs beside the state."""
        return self.frames.frames[0].t, self.frames.frames[0].previous_loss

    @clock.setter
    def clock(self, value):
        self.frames.frames[0].t, self.frames.frames[0].previous_loss = value

    cdef int point_to(self, Staged data) except -1:
        cdef int i
        self.check_batch(data.rows)
        if not data.ready:
            data.prepare()
        for i in range(self.executable.program.externals):
            self.external[i] = data.staged[i]
        self.batch.batch = data.rows
        return 0

    def evaluate(self, Staged data):
        """(loss, terms) over all rows: means, and of each loss (loss, metric, count)."""
        self.point_to(data)
        with nogil:
            execute_batch(&self.batch, self.threads)
        raise_fault(self.executable, self.frames.frames)
        return self.frames.frames[0].loss, self.terms(self.frames.frames[0].term)

    cdef tuple terms(self, const respnet_term *term):
        cdef int k
        return tuple([(term[k].loss, term[k].metric, term[k].count)
                      for k in range(self.program.terms)])

    def gradient(self, Staged data):
        """(loss, gradient vector) over all rows as one batch; the weights stay."""
        cdef cnp.ndarray out = np.empty(self.executable.program.trainable, self.executable.dtype)
        self.evaluate(data)
        memcpy(cnp.PyArray_DATA(out), self.frames.frames[0].base[SPACE_GRADIENTS], out.nbytes)
        return self.frames.frames[0].loss, out

    def step_gradient(self, Staged data, int penalties=0):
        """(loss, gradient vector) as the next step would take them; no weight is trained.

        The first ``penalties`` update steps, which add to loss and gradient, are done.
        """
        cdef cnp.ndarray out = np.empty(self.program.trainable, self.executable.dtype)
        self.point_to(data)
        with nogil:
            execute_gradients(&self.batch, self.threads)
        raise_fault(self.executable, self.frames.frames)
        with nogil:
            execute_steps(self.program.update, penalties, self.frames.frames)
        memcpy(cnp.PyArray_DATA(out), self.frames.frames[0].base[SPACE_GRADIENTS], out.nbytes)
        return self.frames.frames[0].loss, out

    def apply(self, cnp.ndarray gradient, double loss, int penalties=0):
        """The update steps after the first ``penalties`` on a gradient vector (trainable)."""
        if not (gradient.dtype == self.executable.dtype and gradient.flags.c_contiguous
                and gradient.size == self.program.trainable):
            raise ShapeError(f"a gradient is a contiguous {self.executable.dtype} vector of "
                             f"{self.program.trainable} numbers, got {gradient.dtype} "
                             f"{np.shape(gradient)}")
        memcpy(self.frames.frames[0].base[SPACE_GRADIENTS], cnp.PyArray_DATA(gradient),
               gradient.nbytes)
        self.frames.frames[0].loss = loss
        with nogil:
            execute_update(&self.program, self.frames.frames, penalties, self.threads)

    def full_epochs(self, Staged data, int64_t count):
        """``count`` optimizer steps, each on all rows; the loss before the last of them."""
        cdef double loss = 0
        cdef int64_t i
        self.point_to(data)
        with nogil:
            for i in range(count):
                if self.cancelled:
                    break
                loss = execute_training_step(&self.batch, self.threads)
                if self.frames.frames[0].fault:
                    break
        raise_fault(self.executable, self.frames.frames)
        return loss

    def epoch(self, Staged data, cnp.ndarray order, int64_t size):
        """One pass over the rows ``order`` (int64) in batches of ``size``: (mean loss, terms)."""
        cdef char *arrays[32]
        cdef respnet_term seen[12]  # MAX_TERMS
        cdef int i
        cdef double loss
        cdef int64_t n = len(order)
        if not (cnp.PyArray_TYPE(order) == cnp.NPY_INT64 and order.flags.c_contiguous
                and inside(<const int64_t *>cnp.PyArray_DATA(order), n, data.rows)):
            raise ShapeError(f"order must be int64 row numbers below {data.rows}")
        self.check_batch(min(size, n))
        self.make_buffers(size)
        for i in range(self.executable.program.externals):
            arrays[i] = NULL
            if data.arrays[i] is not None:
                arrays[i] = <char *>cnp.PyArray_DATA(data.arrays[i])
        with nogil:
            loss = execute_epoch(&self.batch, self.threads, arrays,
                                 <const int64_t *>cnp.PyArray_DATA(order), n, size,
                                 &self.cancelled, seen)
        raise_fault(self.executable, self.frames.frames)
        return loss, self.terms(seen)

    def output(self, int i):
        """External ``i``, which the program writes, of the last batch: (B, columns), a copy."""
        cdef int64_t columns = self.program.columns[i], rows = self.program.rows
        cdef cnp.ndarray out
        cdef int64_t blocks = (self.batch.batch + rows - 1) // rows
        out = np.empty((blocks * rows, columns), self.executable.dtype)
        memcpy(cnp.PyArray_DATA(out), self.external[i], out.nbytes)
        if self.program.lanes:
            out = out.reshape(blocks, columns, rows).transpose(0, 2, 1).reshape(-1, columns)
        return out[:self.batch.batch]

    cdef int make_buffers(self, int64_t size) except -1:
        cdef int64_t rows = self.executable.program.rows, blocks = (size + rows - 1) // rows
        cdef Memory memory
        cdef int i
        if self.buffered != size:
            self.buffers = [Memory(blocks * rows * self.executable.program.columns[i]
                                   * self.executable.program.element)
                            for i in range(self.executable.program.externals)]
            self.buffered = size
        for i in range(self.executable.program.externals):
            memory = self.buffers[i]
            self.external[i] = memory.data
        return 0
