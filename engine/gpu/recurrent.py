"""Recurrent layers on the GPU: a product and a fused cell for each step of time.

x kernel of all steps is one product; so are the gradients of the kernels over all B*T rows.
"""

from respnet.engine.gpu.context import matrix

__all__ = [
    "gru_backward",
    "gru_forward",
    "lstm_backward",
    "lstm_forward",
    "simple_rnn_backward",
    "simple_rnn_forward",
]


class _Steps:
    """Sizes of a sequence, and the launch of a cell for one of its steps."""

    def __init__(self, c, x, recurrent_kernel, factor):
        self.c, self.factor = c, factor
        self.rows, self.times = x.shape[:2]
        self.units = len(recurrent_kernel)

    def cell(self, name: str, t: int, *arguments) -> None:
        sizes = (self.c.cp.int32(n) for n in (self.rows, self.times, self.units, t))
        self.c.launch("recurrent", name, self.rows * self.units, *arguments, *sizes)

    def state(self, h=None, scaled: bool = False):
        """(B,H): a copy of h or zeros, times the factor if asked for."""
        into = self.c.zeros(self.rows, self.units)
        if h is not None:
            into[...] = h * self.factor if scaled and self.factor is not None else h
        return into

    def sums(self, x, kernel, bias, columns: int):
        """(B,T,columns) with x kernel + bias in the first of them."""
        sums = self.c.empty(self.rows, self.times, columns)
        width = kernel.shape[1]
        flat = matrix(sums)[:, :width]
        self.c.on.blas.multiply(matrix(x), kernel, flat)
        if bias is not None:
            flat += bias
        return sums

    def before(self, y, h0):
        """(B,T,H): the states before each step, times the factor."""
        before = self.c.zeros(self.rows, self.times, self.units)
        before[:, 1:] = y[:, :-1]
        if h0 is not None:
            before[:, 0] = h0
        return before if self.factor is None else before * self.factor[:, None]

    def backwards(self):
        return reversed(range(self.times))

    def start_gradient(self, product, carried):
        dh0 = self.c.empty(self.rows, self.units)
        n = self.c.cp.int64(dh0.size)
        self.c.launch("recurrent", "first_state_gradient", dh0.size, product, carried, self.factor,
                      dh0, n)
        return dh0


def simple_rnn_forward(c, x, kernel, recurrent_kernel, bias, h0, mask, factor, *, activation):
    s, multiply = _Steps(c, x, recurrent_kernel, factor), c.on.blas.multiply
    y, into = s.sums(x, kernel, bias, s.units), s.state(h0, scaled=True)
    for t in range(s.times):
        multiply(into, recurrent_kernel, y[:, t], add=True)
        s.cell("simple_rnn_cell", t, y, h0, mask, factor, into, c.activation(activation))
    return y


def simple_rnn_backward(
    c, x, kernel, recurrent_kernel, h0, mask, factor, y, dy, dh, *, activation
):
    s, multiply = _Steps(c, x, recurrent_kernel, factor), c.on.blas.multiply
    dz, product, carried = c.empty(*y.shape), s.state(), s.state(dh)
    for t in s.backwards():
        s.cell("simple_rnn_cell_backward", t, y, dy, mask, factor, product, carried, dz,
               c.activation(activation))
        multiply(dz[:, t], recurrent_kernel, product, of_b=True)
    flat, before = matrix(dz), matrix(s.before(y, h0))
    return (
        c.multiply(flat, kernel, of_b=True).reshape(x.shape),
        c.multiply(matrix(x), flat, of_a=True),
        c.multiply(before, flat, of_a=True),
        flat.sum(axis=0),
        s.start_gradient(product, carried),
    )


def lstm_forward(
    c,
    x,
    kernel,
    recurrent_kernel,
    bias,
    peephole,
    h0,
    c0,
    mask,
    factor,
    *,
    activation,
    recurrent_activation,
):
    s, multiply = _Steps(c, x, recurrent_kernel, factor), c.on.blas.multiply
    gates, into = s.sums(x, kernel, bias, 4 * s.units), s.state(h0, scaled=True)
    y, cells = c.empty(s.rows, s.times, s.units), c.empty(s.rows, s.times, s.units)
    numbers = c.activation(activation), c.activation(recurrent_activation)
    for t in range(s.times):
        multiply(into, recurrent_kernel, gates[:, t], add=True)
        s.cell("lstm_cell", t, gates, peephole, h0, c0, mask, factor, y, cells, into, *numbers)
    return y, cells, gates


def lstm_backward(
    c,
    x,
    kernel,
    recurrent_kernel,
    peephole,
    h0,
    c0,
    mask,
    factor,
    y,
    cells,
    gates,
    dy,
    dh,
    dc,
    *,
    activation,
    recurrent_activation,
):
    s, multiply = _Steps(c, x, recurrent_kernel, factor), c.on.blas.multiply
    product, carried, dc = s.state(), s.state(dh), s.state(dc)
    numbers = c.activation(activation), c.activation(recurrent_activation)
    for t in s.backwards():
        s.cell("lstm_cell_backward", t, gates, cells, peephole, c0, dy, mask, factor, product,
               carried, dc, *numbers)
        multiply(gates[:, t], recurrent_kernel, product, of_b=True)
    flat, before = matrix(gates), matrix(s.before(y, h0))
    return (
        c.multiply(flat, kernel, of_b=True).reshape(x.shape),
        c.multiply(matrix(x), flat, of_a=True),
        c.multiply(before, flat, of_a=True),
        flat.sum(axis=0),
        _peephole_gradient(c, s, peephole, gates, cells, c0),
        s.start_gradient(product, carried),
        dc,
    )


def _peephole_gradient(c, s, peephole, dgates, cells, c0):
    """(3,H): i and f see the cells before, o those after."""
    if peephole is None:
        return None
    before = c.zeros(s.rows, s.times, s.units)
    before[:, 1:] = cells[:, :-1]
    if c0 is not None:
        before[:, 0] = c0
    H = s.units
    seen = ((0, before), (1, before), (3, cells))
    parts = [(dgates[:, :, g * H : (g + 1) * H] * cell).sum(axis=(0, 1)) for g, cell in seen]
    return c.cp.stack(parts)


def gru_forward(
    c,
    x,
    kernel,
    recurrent_kernel,
    bias,
    recurrent_bias,
    h0,
    mask,
    factor,
    *,
    activation,
    recurrent_activation,
    reset_after,
):
    s = _Steps(c, x, recurrent_kernel, factor)
    gates, into = s.sums(x, kernel, bias, 4 * s.units), s.state(h0, scaled=True)
    y = c.empty(s.rows, s.times, s.units)
    numbers = c.activation(activation), c.activation(recurrent_activation)
    around = (recurrent_bias, h0, mask, factor, y, into)
    step = _reset_after if reset_after else _reset_before
    for t in range(s.times):
        step(s, t, recurrent_kernel, gates, around, numbers)
    return y, gates


def _reset_after(s, t, recurrent_kernel, gates, around, numbers):
    hidden = s.c.multiply(around[-1], recurrent_kernel)
    s.cell("gru_cell", t, gates, hidden, *around, *numbers)


def _reset_before(s, t, recurrent_kernel, gates, around, numbers):
    bias, *_, into = around
    H, multiply = s.units, s.c.multiply
    hidden, reset = multiply(into, recurrent_kernel[:, : 2 * H]), s.c.empty(s.rows, H)
    s.cell("gru_reset", t, gates, hidden, bias, into, reset, numbers[1])
    hidden = multiply(reset, recurrent_kernel[:, 2 * H :])
    s.cell("gru_candidate", t, gates, hidden, *around, numbers[0])


def gru_backward(
    c,
    x,
    kernel,
    recurrent_kernel,
    h0,
    mask,
    factor,
    y,
    gates,
    dy,
    dh,
    *,
    activation,
    recurrent_activation,
    reset_after,
):
    s = _Steps(c, x, recurrent_kernel, factor)
    product, carried, sums = s.state(), s.state(dh), c.empty(s.rows, 3 * s.units)
    numbers = c.activation(activation), c.activation(recurrent_activation)
    given = (gates, y, h0, dy, mask, factor, product, carried, sums, *numbers)
    for t in s.backwards():
        if reset_after:
            s.cell("gru_cell_backward", t, *given)
            c.on.blas.multiply(sums, recurrent_kernel, product, of_b=True)
        else:
            _reset_before_backward(s, t, recurrent_kernel, given)
    before = matrix(s.before(y, h0))
    dz = matrix(gates)[:, : 3 * s.units]
    return (
        c.multiply(dz, kernel, of_b=True).reshape(x.shape),
        c.multiply(matrix(x), dz, of_a=True),
        *_gru_recurrent_gradients(s, before, matrix(gates), reset_after),
        s.start_gradient(product, carried),
    )


def _reset_before_backward(s, t, recurrent_kernel, given):
    gates, y, h0, _, mask, factor, product, _, sums, _, gate = given
    H = s.units
    s.cell("gru_candidate_backward", t, *given)
    hidden = s.c.multiply(sums[:, 2 * H :], recurrent_kernel[:, 2 * H :], of_b=True)
    s.cell("gru_reset_backward", t, gates, y, h0, mask, factor, hidden, product, sums, gate)
    s.c.on.blas.multiply(
        sums[:, : 2 * H], recurrent_kernel[:, : 2 * H], product, of_b=True, add=True
    )


def _gru_recurrent_gradients(s, before, gates, reset_after):
    """(drecurrent_kernel, dbias, drecurrent_bias)"""
    c, H = s.c, s.units
    drecurrent, multiply = c.empty(H, 3 * H), c.on.blas.multiply
    multiply(before, gates[:, : 2 * H], drecurrent[:, : 2 * H], of_a=True)
    last = gates[:, 3 * H :] if reset_after else gates[:, 2 * H : 3 * H]
    source = before if reset_after else gates[:, 3 * H :]
    multiply(source, last, drecurrent[:, 2 * H :], of_a=True)
    dbias = gates[:, : 3 * H].sum(axis=0)
    dhidden = c.cp.concatenate([dbias[: 2 * H], last.sum(axis=0)])
    return drecurrent, dbias, dhidden
