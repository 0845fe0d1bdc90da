"""Rows of the op contract for images: convolution, pooling, padding.

Images are (B,Y,X,C), rows of places of channels; outputs (B,P,Q,O). Where the first axis of an
image is left out, (B,X,C), it has length 1: sequences are images of one row. strides, dilation,
pool and size are (rows, columns); pads are (top, bottom, left, right), places of zeros.
"""

GROUPED = ("strides", "pads", "dilation", "groups")
WARP = ("lows", "highs", "fill_mode", "fill_value", "smooth")
# (name, operands, what it does, attributes)
ROWS = (
    (
        "conv2d_forward",
        "x (B,Y,X,C), kernel (V,U,C,O), bias? (O) -> y (B,P,Q,O)",
        "y[p,q] = activation(bias + sum over v, u of x[p sy + v dy, q sx + u dx] kernel[v,u])",
        ("activation", "strides", "pads", "dilation"),
    ),
    (
        "conv2d_backward",
        "x (B,Y,X,C), kernel (V,U,C,O), dz (B,P,Q,O) -> dx? (B,Y,X,C), +dkernel? (V,U,C,O), "
        "+dbias? (O)",
        "dz: the gradient of the sums, before the activation",
        ("strides", "pads", "dilation"),
    ),
    (
        "grouped_conv2d_forward",
        "x (B,Y,X,C), kernel (V,U,I,O), bias? (O) -> y (B,P,Q,O)",
        "a convolution of each group of I = C / groups channels, O / groups outputs of it; "
        "depthwise kernels (V,U,C,M) are of C groups",
        GROUPED,
    ),
    (
        "grouped_conv2d_backward",
        "x (B,Y,X,C), kernel (V,U,I,O), dz (B,P,Q,O) -> dx? (B,Y,X,C), +dkernel? (V,U,I,O), "
        "+dbias? (O)",
        "dz: the gradient of the sums",
        GROUPED,
    ),
    (
        "max_pooling_forward",
        "x (B,Y,X,C) -> y (B,P,Q,C)",
        "the largest number of each window, each channel by itself",
        ("pool", "strides", "pads"),
    ),
    (
        "max_pooling_backward",
        "x (B,Y,X,C), y (B,P,Q,C), dy (B,P,Q,C) -> dx (B,Y,X,C)",
        "dy goes to the first place of the window that holds y",
        ("pool", "strides", "pads"),
    ),
    (
        "average_pooling_forward",
        "x (B,Y,X,C) -> y (B,P,Q,C)",
        "the mean of each window; places of pads do not count",
        ("pool", "strides", "pads"),
    ),
    (
        "average_pooling_backward",
        "dy (B,P,Q,C) -> dx (B,Y,X,C)",
        "dy over the number of places, to each of them",
        ("pool", "strides", "pads", "size"),
    ),
    (
        "masked_mean_forward",
        "x (B,T,N), mask (B,T,1) -> y (B,N)",
        "the mean of the steps whose mask is 1; 0 if there is none",
        (),
    ),
    (
        "masked_mean_backward",
        "dy (B,N), mask (B,T,1) -> dx (B,T,N)",
        "dy over the number of steps that count, to each of them",
        (),
    ),
    (
        "zero_padding_forward",
        "x (B,Y,X,C) -> y (B,P,Q,C)",
        "x with pads of zeros around it",
        ("pads",),
    ),
    (
        "uniform",
        "x (B,N) -> y (B,M)",
        "a number from 0 to below 1 by chance, M = units of them a row",
        ("units", "salt", "seed"),
    ),
    (
        "warp_forward",
        "x (B,Y,X,C), draws (B,3) -> y (B,Y,X,C)",
        "each picture moved down and right and turned, lows + (highs - lows) draws (warping.py)",
        WARP,
    ),
    (
        "warp_backward",
        "dy (B,Y,X,C), draws (B,3) -> dx (B,Y,X,C)",
        "dy to where each place of y was read",
        WARP,
    ),
    ("zero_padding_backward", "dy (B,P,Q,C) -> dx (B,Y,X,C)", "dy without the pads", ("pads",)),
)
