"""Products, convolution, pooling and normalisation: the operators of ONNX, with the axes turned.

Pictures are (B,H,W,C) here and (B,C,H,W) there; kernels (H,W,I,O) here and (O,I,H,W) there.
"""

from dataclasses import replace

import numpy as np

from respnet.engine.errors import ShapeError
from respnet.engine.onnx import products as onnx
from respnet.engine.onnx.elementwise import wide


def _matmul(call, a, b):
    if a.ndim != 2 or b.ndim != 2:
        raise ShapeError("a product of arrays that have not two axes")
    a = a.T if call.get("transpose_a", 0) else a
    return onnx.OPS["MatMul"](call, a, b.T if call.get("transpose_b", 0) else b)


def _batch_matmul(call, a, b):
    a = np.swapaxes(a, -1, -2) if call.get("adj_x", 0) else a
    return onnx.OPS["MatMul"](call, a, np.swapaxes(b, -1, -2) if call.get("adj_y", 0) else b)


def _bias(call, x, bias):
    if bias.ndim != 1:
        raise ShapeError("a bias that has not one axis")
    if _channels_first(call):
        bias = bias.reshape(-1, *(1,) * (x.ndim - 2))
    return wide(np.add)(call, x, bias)


def _channels_first(call) -> bool:
    return call.text("data_format", "NHWC").startswith("NC")


def _turned(function):
    """``function(call, x (B,C,H,W), ...)`` for pictures with the channels at either end."""

    def apply(call, x, *more):
        if x.ndim != 4:
            raise ShapeError("pictures that have not four axes")
        if _channels_first(call):
            return function(call, x, *more)
        y = function(call, np.moveaxis(x, -1, 1), *more)
        return np.ascontiguousarray(np.moveaxis(y, 1, -1))

    return apply


def _window(call, **more):
    """The call of the same operator of ONNX."""
    places = slice(2, 4) if _channels_first(call) else slice(1, 3)
    attributes = {"strides": call.get("strides")[places]}
    if "dilations" in call.attributes:
        attributes["dilations"] = call.get("dilations")[places]
    if "ksize" in call.attributes:
        attributes["kernel_shape"] = call.get("ksize")[places]
    padding = call.text("padding", "")
    if padding == "EXPLICIT":
        pads = call.get("explicit_paddings")
        attributes["pads"] = [*pads[0::2][places], *pads[1::2][places]]
    else:
        attributes["auto_pad"] = {"SAME": b"SAME_UPPER"}.get(padding, padding.encode())
    return replace(call, attributes={**attributes, **more})


def _conv(call, x, kernel):
    return onnx.OPS["Conv"](_window(call), x, kernel.transpose(3, 2, 0, 1))


def _depthwise(call, x, kernel):
    """kernel (H,W,C,M): M results of each channel."""
    height, width, channels, _ = kernel.shape
    turned = kernel.transpose(2, 3, 0, 1).reshape(-1, 1, height, width)
    return onnx.OPS["Conv"](_window(call, group=channels), x, turned)


def _pool(name):
    return lambda call, x: onnx.OPS[name](_window(call), x)


def _batch_norm(call, x, *statistics):
    if call.get("is_training", 1):
        raise ShapeError("normalisation in training is not supported")
    return onnx.OPS["BatchNormalization"](
        replace(call, attributes={"epsilon": call.get("epsilon", 1e-4)}), x, *statistics)


OPS = {
    "MatMul": _matmul,
    "BatchMatMul": _batch_matmul,
    "BatchMatMulV2": _batch_matmul,
    "BiasAdd": _bias,
    "Conv2D": _turned(_conv),
    "DepthwiseConv2dNative": _turned(_depthwise),
    "MaxPool": _turned(_pool("MaxPool")),
    "AvgPool": _turned(_pool("AveragePool")),
    "FusedBatchNorm": _turned(_batch_norm),
    "FusedBatchNormV2": _turned(_batch_norm),
    "FusedBatchNormV3": _turned(_batch_norm),
}
