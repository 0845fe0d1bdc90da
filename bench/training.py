"""What the trainers of a contest must compute, in float64: RPROP, and Adam on batches.

iRprop- and iRprop+ (Igel and Huesken 2000) differ only where the loss of the whole set rose. With
so small a first step it falls in each of the compared epochs, so one float64 run judges both.
"""

import numpy as np

from . import nets

EPOCHS = 8
MOST_EPOCHS = 100  # in one sample, from fresh weights: none of the sides overflows by then
STEP_START, STEP_MIN, STEP_MAX = 1e-3, 1e-6, 50.0
INCREASE, DECREASE = 1.2, 0.5


def losses64(net, x, y):
    """Losses (mean squared error) before each of the first EPOCHS updates, sigmoid nets."""
    parameters = [p.astype(np.float64) for layer in net.layers for p in layer]
    previous = [np.zeros_like(p) for p in parameters]
    steps = [np.full_like(p, STEP_START) for p in parameters]
    losses = []
    for _ in range(EPOCHS):
        loss, gradients = mse_gradients(parameters, x, y)
        losses.append(loss)
        for p, g, before, step in zip(parameters, gradients, previous, steps, strict=True):
            turned = np.sign(g * before)
            step *= np.choose(turned.astype(int) + 1, (DECREASE, 1.0, INCREASE))
            np.clip(step, STEP_MIN, STEP_MAX, out=step)
            g[turned < 0] = 0.0
            p -= np.sign(g) * step
            before[...] = g
    if losses != sorted(losses, reverse=True):
        raise ValueError(f"the compared losses must fall, so that all RPROPs agree; got {losses}")
    return np.array(losses)


def mse_gradients(parameters, x, y):
    """Loss and gradients of a sigmoid net; parameters alternate kernel (I,O), bias (O)."""
    kernels, biases = parameters[::2], parameters[1::2]
    values = [x.astype(np.float64)]
    for kernel, bias in zip(kernels, biases, strict=True):
        values.append(1.0 / (1.0 + np.exp(-(values[-1] @ kernel + bias))))
    difference = values[-1] - y
    dy, gradients = 2.0 / y.size * difference, []
    for kernel, x_in, a in zip(kernels[::-1], values[-2::-1], values[:0:-1], strict=True):
        dz = dy * a * (1.0 - a)
        gradients = [x_in.T @ dz, dz.sum(axis=0), *gradients]
        dy = dz @ kernel.T
    return float(np.mean(difference**2)), gradients


BATCH, ORDER_SEED = 128, 5
ADAM = {"learning_rate": 1e-3, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}
RMSPROP = {"learning_rate": 1e-4, "rho": 0.9, "epsilon": 1e-7}


def shuffled(count):
    """Row numbers in the order of respnet's first epoch."""
    return np.random.default_rng(ORDER_SEED).permutation(count)


def adam64(net, x, y):
    """(mean loss of an epoch in batches of these rows, loss of all rows after it): relu net,
    softmax cross-entropy; Kingma and Ba 2015, algorithm 1."""
    rate, beta_1, beta_2, epsilon = ADAM.values()
    parameters = [p.astype(np.float64) for layer in net.layers for p in layer]
    mean, variance = ([np.zeros_like(p) for p in parameters] for _ in range(2))
    losses = []
    for t, start in enumerate(range(0, len(x), BATCH), 1):
        rows = slice(start, start + BATCH)
        loss, gradients = crossentropy_gradients(parameters, x[rows], y[rows])
        losses.append(loss)
        for p, g, m, v in zip(parameters, gradients, mean, variance, strict=True):
            m += (1 - beta_1) * (g - m)
            v += (1 - beta_2) * (g * g - v)
            p -= rate * m / (1 - beta_1**t) / (np.sqrt(v / (1 - beta_2**t)) + epsilon)
    return np.array([np.mean(losses), crossentropy_gradients(parameters, x, y)[0]])


def crossentropy_gradients(parameters, x, y):
    """Loss and gradients of a net of two layers, relu and softmax."""
    kernel1, bias1, kernel2, bias2 = parameters
    hidden = np.maximum(x.astype(np.float64) @ kernel1 + bias1, 0.0)
    predicted = nets.softmax(hidden @ kernel2 + bias2)
    dz2 = (predicted - y) / len(x)
    dz1 = dz2 @ kernel2.T * (hidden > 0)
    gradients = [x.T @ dz1, dz1.sum(axis=0), hidden.T @ dz2, dz2.sum(axis=0)]
    return float(-np.sum(y * np.log(predicted)) / len(x)), gradients
