"""Lowering of the recurrent ops: which products are made beforehand, and what follows.

``x kernel + bias`` of all steps is one product where that pays (few rows, many inputs); else each
step adds it in its registers. Backward, the op itself only goes back through time; the gradients
of kernels, biases and x are products over all B*T rows (``columns_backward``).
"""

from dataclasses import dataclass

from respnet.engine.kernels.plan import Scratch

# A packed kernel this large would be read from afar at each step: then x is multiplied beforehand.
STEP_NUMBERS = 64 * 1024


def apart(n: int) -> int:
    """Distance of two rows of a state in scratch (recurrent.hpp)."""
    return (n + 15) // 16 * 16 + 16


def _numbers(low, step) -> list[int]:
    """Numbers of the activations."""
    names = ("activation", "recurrent_activation")
    table = low.tables["activations"]
    return [table.index(step.attributes.get(name, "sigmoid")) for name in names]


def _pack(low, kind: str, kernel, first: int, columns: int):
    inputs, ld = kernel.shape
    sizes = low.sizes
    if kind == "pack_columns_wide":
        size = sizes.wide(inputs, columns)
    elif kind == "pack_columns_transposed":
        size = sizes.panels(columns, inputs)
    else:
        size = sizes.panels(inputs, columns)
    return low.pack(kind, kernel, size, (inputs, columns, ld, first))


def _pack_gates(low, kernel, gates: int):
    inputs, units = kernel.shape[0], kernel.shape[1] // gates
    size = gates * low.sizes.panels(inputs, units)
    return low.pack("pack_gates_kernel", kernel, size, (inputs, units, gates))


def _project(low, x, kernel, bias, sums, ld: int):
    """sums (B,T,ld) = x kernel + bias"""
    inputs, columns = kernel.shape
    packed = _pack(low, "pack_columns_panels", kernel, 0, columns)
    low.emit("project_rows", (x, packed, bias, sums), (inputs, columns, ld), (), x.shape[0])


def _fused(low, x, kernel) -> bool:
    """Whether each step multiplies x itself."""
    inputs, columns = kernel.shape
    if low.layout == "row":
        return x.shape[0] == 1
    return inputs * columns <= STEP_NUMBERS


def _input(low, x, kernel, bias, kept, gates: int):
    """(x, its packed gates, sums, bias of the step), distance of two steps in sums"""
    columns = kernel.shape[1]
    ld = kept.shape[-1] if kept else columns
    if _fused(low, x, kernel):
        return (x, _pack_gates(low, kernel, gates), None), bias, ld
    sums = kept or Scratch("work", x.shape[0] * columns)
    _project(low, x, kernel, bias, sums, ld)
    return (None, None, sums), None, ld


def lstm_forward(low, step):
    x, kernel, recurrent, bias, peephole, h0, c0, mask, factor, y, cells, gates = step.operands
    gates, cells = low.alive(gates), low.alive(cells)
    source, bias, ld = _input(low, x, kernel, bias, gates, 4)
    units = recurrent.shape[0]
    packed, scratch = _pack_gates(low, recurrent, 4), Scratch("work", 3 * apart(units))
    low.emit(
        "lstm_forward_rows",
        (*source, packed, bias, h0, mask, factor, y, gates, scratch, peephole, c0, cells),
        (kernel.shape[0], units, *_numbers(low, step), ld),
        (),
        x.shape[0],
    )


def gru_forward(low, step):
    x, kernel, recurrent, bias, recurrent_bias, h0, mask, factor, y, gates = step.operands
    if not step.attributes["reset_after"]:
        return _gru_forward_before(low, step)
    gates = low.alive(gates)
    source, bias, ld = _input(low, x, kernel, bias, gates, 3)
    units = recurrent.shape[0]
    packed, scratch = _pack_gates(low, recurrent, 3), Scratch("work", 2 * apart(units))
    return low.emit(
        "gru_forward_rows",
        (*source, packed, bias, h0, mask, factor, y, gates, scratch, recurrent_bias),
        (kernel.shape[0], units, *_numbers(low, step), ld),
        (),
        x.shape[0],
    )


def _wide(low) -> tuple[int, str]:
    """Packing of a recurrent kernel that is multiplied by plain products."""
    wide = low.layout == "row"
    return int(wide), "pack_columns_wide" if wide else "pack_columns_panels"


def _gru_forward_before(low, step):
    x, kernel, recurrent, bias, recurrent_bias, h0, mask, factor, y, gates = step.operands
    units = recurrent.shape[0]
    _project(low, x, kernel, bias, gates, 4 * units)
    wide, kind = _wide(low)
    packed = _pack(low, kind, recurrent, 0, 2 * units)
    candidate = _pack(low, kind, recurrent, 2 * units, units)
    scratch = Scratch("work", 3 * apart(units))
    low.emit(
        "gru_forward_before_rows",
        (None, None, None, packed, None, h0, mask, factor, y, gates, scratch)
        + (recurrent_bias, candidate),
        (kernel.shape[0], units, *_numbers(low, step), 4 * units, wide),
        (),
        x.shape[0],
    )


def simple_rnn_forward(low, step):
    x, kernel, recurrent, bias, h0, mask, factor, y = step.operands
    units = recurrent.shape[0]
    _project(low, x, kernel, bias, y, units)
    wide, kind = _wide(low)
    packed, scratch = _pack(low, kind, recurrent, 0, units), Scratch("work", apart(units))
    low.emit(
        "simple_rnn_forward_rows",
        (None, None, None, packed, None, h0, mask, factor, y, None, scratch),
        (kernel.shape[0], units, *_numbers(low, step), units, wide),
        (),
        x.shape[0],
    )


# ----------------------------------------------------------------------------------------- backward


@dataclass(frozen=True)
class _Columns:
    """``count`` columns from ``first`` on, of a buffer with rows of ``width``."""

    buffer: object
    width: int
    first: int
    count: int

    @classmethod
    def all_of(cls, buffer, width: int) -> "_Columns":
        return cls(buffer, width, 0, width)


def _weights(low, times, a, d, kernel, dbias, add, da=(None, None)):
    """kernel += a^T d, dbias += sums of d, all _Columns of B*T rows; da = d kernel^T.

    da: (packed kernel^T, buffer). Frozen kernels and biases have no buffer.
    """
    if kernel.buffer is None and dbias is None and da[1] is None:
        return
    size = low.sizes.workspace(a.count, d.count, low.rows * times)
    low.emit(
        "columns_backward_rows",
        (a.buffer, d.buffer, *da, kernel.buffer, dbias, Scratch("work", size, False)),
        (a.count, d.count, add, a.width, a.first, d.width, d.first, kernel.width, kernel.first),
        (),
        times,
    )


def _input_weights(low, x, kernel, d, dx, dkernel, dbias):
    """Gradients of what x is multiplied by, and of x, from those of the sums d."""
    inputs, columns = kernel.shape
    da = (None, None)
    if dx is not None:
        da = (_pack(low, "pack_columns_transposed", kernel, 0, columns), dx)
    a, to = _Columns.all_of(x, inputs), _Columns.all_of(dkernel, columns)
    _weights(low, x.shape[0], a, d, to, dbias, low.shared(dkernel), da)


def _states_before(low, y, h0, factor):
    times, units = y.shape
    before = Scratch("work", times * units)
    low.emit("states_before_rows", (y, h0, factor, before), (0, units), (), times)
    return _Columns.all_of(before, units)


def _recurrent_weights(low, before, d, drecurrent, times):
    if drecurrent is not None:
        to = _Columns.all_of(drecurrent, drecurrent.shape[1])
        _weights(low, times, before, d, to, None, low.shared(drecurrent))


def lstm_backward(low, step):
    x, kernel, recurrent, peephole, h0, c0, mask, factor, y, cells, gates = step.operands[:11]
    dy, dh, dc, dx, dkernel, drecurrent, dbias, dpeephole, dh0, dc0 = step.operands[11:]
    times, units = y.shape
    transposed = _pack(low, "pack_columns_transposed", recurrent, 0, 4 * units)
    scratch = Scratch("work", 3 * apart(units) + apart(4 * units))
    add = low.shared(dpeephole)
    low.emit(
        "lstm_backward_rows",
        (transposed, h0, mask, factor, y, gates, dy, dh, dh0, scratch)
        + (peephole, c0, cells, dc, dc0, dpeephole),
        (0, units, *_numbers(low, step), add),
        (),
        times,
    )
    d = _Columns.all_of(gates, 4 * units)
    _input_weights(low, x, kernel, d, dx, dkernel, dbias)
    _recurrent_weights(low, _states_before(low, y, h0, factor), d, drecurrent, times)


def gru_backward(low, step):
    x, kernel, recurrent, h0, mask, factor, y, gates, dy, dh = step.operands[:10]
    dx, dkernel, drecurrent, dbias, drecurrent_bias, dh0 = step.operands[10:]
    times, units = y.shape
    after = step.attributes["reset_after"]
    columns = 3 * units if after else 2 * units
    transposed = _pack(low, "pack_columns_transposed", recurrent, 0, columns)
    candidate = None
    if not after:
        candidate = _pack(low, "pack_columns_transposed", recurrent, columns, units)
    scratch = Scratch("work", 2 * apart(units) + apart(3 * units))
    low.emit(
        "gru_backward_rows",
        (transposed, h0, mask, factor, y, gates, dy, dh, dh0, scratch, candidate),
        (0, units, *_numbers(low, step)),
        (),
        times,
    )
    d = _Columns(gates, 4 * units, 0, 3 * units)
    _input_weights(low, x, kernel, d, dx, dkernel, dbias)
    if drecurrent is None:
        return
    _gru_recurrent_weights(
        low, _states_before(low, y, h0, factor), gates, drecurrent, drecurrent_bias, times, after
    )


def _gru_recurrent_weights(low, before, gates, drecurrent, dbias, times, after):
    """z and r see the state; so does the candidate, or it sees the fourth of gates, r h."""
    units, columns = drecurrent.shape
    add, width = low.shared(drecurrent), 4 * units
    d, to = _Columns(gates, width, 0, 2 * units), _Columns(drecurrent, columns, 0, 2 * units)
    _weights(low, times, before, d, to, dbias, add)
    a = before if after else _Columns(gates, width, 3 * units, units)
    d = _Columns(gates, width, 3 * units if after else 2 * units, units)
    to = _Columns(drecurrent, columns, 2 * units, units)
    _weights(low, times, a, d, to, dbias, add)


def simple_rnn_backward(low, step):
    x, kernel, recurrent, h0, mask, factor, y, dy, dh = step.operands[:9]
    dx, dkernel, drecurrent, dbias, dh0 = step.operands[9:]
    times, units = y.shape
    transposed = _pack(low, "pack_columns_transposed", recurrent, 0, units)
    dz, scratch = Scratch("work", times * units), Scratch("work", 3 * apart(units))
    low.emit(
        "simple_rnn_backward_rows",
        (transposed, h0, mask, factor, y, dz, dy, dh, dh0, scratch),
        (0, units, *_numbers(low, step)),
        (),
        times,
    )
    d = _Columns.all_of(dz, units)
    _input_weights(low, x, kernel, d, dx, dkernel, dbias)
    _recurrent_weights(low, _states_before(low, y, h0, factor), d, drecurrent, times)


RECURRENT = {
    f.__name__: f
    for f in (
        simple_rnn_forward,
        simple_rnn_backward,
        lstm_forward,
        lstm_backward,
        gru_forward,
        gru_backward,
    )
}
