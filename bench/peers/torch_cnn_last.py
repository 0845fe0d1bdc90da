"""PyTorch with its images channels last in memory, which its convolutions like better."""

import functools

import torch

from . import torch_cnn

inference = functools.partial(torch_cnn.inference, order=torch.channels_last)
rmsprop = functools.partial(torch_cnn.rmsprop, order=torch.channels_last)
