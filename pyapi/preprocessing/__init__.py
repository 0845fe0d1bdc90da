"""Text, series and images as rows for a model."""

from ..utils import normalize, to_categorical
from . import image, sequence, split, text
from .image import ImageDataGenerator
from .sequence import *  # noqa: F403
from .split import train_test_split
from .text import *  # noqa: F403

__all__ = [
    "ImageDataGenerator",
    "image",
    "normalize",
    "sequence",
    "split",
    "text",
    "to_categorical",
    "train_test_split",
    *sequence.__all__,
    *text.__all__,
]
