"""Pooling: the largest number or the mean of each window, each channel by itself."""

from respnet.engine.errors import SpecError
from respnet.engine.layers.windows import Windowed


class MaxPooling2D(Windowed):
    """x (B,Y,X,C) -> y (B,P,Q,C)"""

    kind = "max_pooling2d"
    defaults = {"pool_size": 2, "strides": None, "padding": "valid"}

    def output_shape(self, shape):
        return (*self.places(shape), shape[-1])

    def _attributes(self, shape) -> dict:
        return {"pool": self.size, "strides": self.strides, "pads": self.pads(shape)}

    def forward(self, b, p, x):
        y, attributes = b.buffer(self.output_shape(x.shape)), self._attributes(x.shape)
        b.step("max_pooling_forward", x, y, **attributes)
        return y, (x, y, attributes)

    def backward(self, b, p, saved, dy, wanted):
        x, y, attributes = saved
        if not wanted[0]:
            return [None]
        dx = b.buffer(x.shape)
        b.step("max_pooling_backward", x, y, dy, dx, **attributes)
        return [dx]


class AveragePooling2D(MaxPooling2D):
    """x (B,Y,X,C) -> y (B,P,Q,C); places of ``same`` padding do not count"""

    kind = "average_pooling2d"

    def forward(self, b, p, x):
        y, attributes = b.buffer(self.output_shape(x.shape)), self._attributes(x.shape)
        b.step("average_pooling_forward", x, y, **attributes)
        return y, (x, attributes)

    def backward(self, b, p, saved, dy, wanted):
        x, attributes = saved
        if not wanted[0]:
            return [None]
        dx, size = b.buffer(x.shape), self.image(x.shape)[:2]
        b.step("average_pooling_backward", dy, dx, size=size, **attributes)
        return [dx]


class MaxPooling1D(MaxPooling2D):
    """x (B,T,C) -> y (B,Q,C)"""

    kind = "max_pooling1d"
    axes = 1


class AveragePooling1D(AveragePooling2D):
    """x (B,T,C) -> y (B,Q,C)"""

    kind = "average_pooling1d"
    axes = 1


class _Global(Windowed):
    """x (B,Y,X,C) -> y (B,C), or (B,1,1,C) with keepdims: a window as large as x"""

    defaults = {"keepdims": False}

    def check(self):
        if not isinstance(self.config["keepdims"], bool):
            raise SpecError(
                f"{self.kind} keepdims must be true or false, got {self.config['keepdims']!r}"
            )

    def output_shape(self, shape):
        *places, channels = self.image(shape)[-self.axes - 1 :]
        return (*(1 for _ in places if self.config["keepdims"]), channels)

    def _attributes(self, shape) -> dict:
        size = self.image(shape)[:2]
        return {"pool": size, "strides": size, "pads": (0, 0, 0, 0)}

    def forward(self, b, p, x):
        if x in b.masks:
            raise SpecError(f"{self.kind} of masked steps is not part of this version")
        return super().forward(b, p, x)


class GlobalMaxPooling2D(_Global, MaxPooling2D):
    kind = "global_max_pooling2d"


class GlobalMaxPooling1D(_Global, MaxPooling1D):
    kind = "global_max_pooling1d"


class GlobalAveragePooling2D(_Global, AveragePooling2D):
    kind = "global_average_pooling2d"


class GlobalAveragePooling1D(_Global, AveragePooling1D):
    """Of a masked sequence: the mean of the steps that count, 0 if there is none"""

    kind = "global_average_pooling1d"

    def forward(self, b, p, x):
        if x not in b.masks:
            return super().forward(b, p, x)
        y = b.buffer(self.output_shape(x.shape))
        b.step("masked_mean_forward", x, b.masks[x], y)
        return y, (x, None)

    def backward(self, b, p, saved, dy, wanted):
        x, _ = saved
        if x not in b.masks or not wanted[0]:
            return super().backward(b, p, saved, dy, wanted)
        dx = b.buffer(x.shape)
        b.step("masked_mean_backward", dy, b.masks[x], dx)
        return [dx]
