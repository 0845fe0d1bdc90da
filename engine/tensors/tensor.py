"""Tensor: an array whose steps a tape notes. Operators on it are ops of the table."""

from respnet.engine.errors import DtypeError, GradientError
from respnet.engine.tensors.table import OPS, Holder

_BINARY = {
    "add": "add",
    "sub": "subtract",
    "mul": "multiply",
    "truediv": "divide",
    "pow": "power",
    "matmul": "matmul",
}
_COMPARISONS = {
    "lt": "less",
    "le": "less_equal",
    "gt": "greater",
    "ge": "greater_equal",
    "eq": "equal",
    "ne": "not_equal",
}
_UNARY = {"neg": "negative", "abs": "abs"}
_UFUNCS = {"true_divide": "divide", "absolute": "abs"}  # NumPy's names of operators


class Operators(Holder):
    """+ - * / ** @ comparisons and [] as ops."""

    __array_priority__ = 1000  # CuPy's arrays leave operators to this class
    __hash__ = object.__hash__

    def __getitem__(self, index):
        return OPS["get_item"].call(self, index)

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        """An operator with an array on its left comes here; other functions are ops."""
        name = _UFUNCS.get(ufunc.__name__, ufunc.__name__)
        if method != "__call__" or options or name not in OPS:
            raise DtypeError(f"np.{ufunc.__name__} sees no gradients; use the ops of respnet.ops")
        return OPS[name].call(*inputs)

    def __array_function__(self, function, types, args, options):
        raise DtypeError(f"np.{function.__name__} sees no gradients; use the ops of respnet.ops")

    def __array__(self, *args, **options):
        raise DtypeError("a tensor on a tape is no array; tensor.numpy() gives its numbers")


def _operator(op: str, turned: bool = False):
    def method(self, *other):
        return OPS[op].call(*other, self) if turned else OPS[op].call(self, *other)

    method.__doc__ = f"ops.{op}"
    return method


for _method, _name in {**_BINARY, **_COMPARISONS, **_UNARY}.items():
    setattr(Operators, f"__{_method}__", _operator(_name))
for _method, _name in _BINARY.items():
    setattr(Operators, f"__r{_method}__", _operator(_name, turned=True))


class Tensor(Operators):
    """An array (``value``) and the tape that watches it, if one does."""

    def __init__(self, value, tape=None):
        self.value, self.tape = OPS["convert_to_tensor"].function(value), tape

    def tensor(self):
        return self

    def numpy(self):
        """The plain array."""
        return self.value

    shape = property(lambda self: self.value.shape)
    dtype = property(lambda self: self.value.dtype)
    ndim = property(lambda self: self.value.ndim)
    size = property(lambda self: self.value.size)

    def __len__(self):
        return len(self.value)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __float__(self):
        return float(self.value)

    def __int__(self):
        return int(self.value)

    def __bool__(self):
        return bool(self.value)

    def __repr__(self):
        return f"<Tensor {self.dtype} {self.shape}: {self.value}>"

    def noted(self, row, given, plain, options, y, holders):
        """The result of an op as a Tensor, noted by the tape of what went in.

        Integers and truth values have no gradients, so nothing is noted for them.
        """
        if not hasattr(y, "dtype"):
            return y  # a shape or a size
        tapes = {id(t.tape): t.tape for t in holders if t.tape is not None and t.tape.recording}
        if not tapes or y.dtype.kind != "f":
            return Tensor(y)
        if len(tapes) > 1:
            raise GradientError(
                f"{row.name} got tensors of two tapes; one tape notes a computation"
            )
        tape = next(iter(tapes.values()))
        return tape.note(row, given, plain, options, Tensor(y, tape))
