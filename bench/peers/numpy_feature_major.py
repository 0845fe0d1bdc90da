"""NumPy with the rows along the longest axis; see ``numpy_rprop``."""

from . import numpy_rprop


def rprop(net, x, y):
    return numpy_rprop.timed(numpy_rprop.FeatureMajor, net, x, y)
