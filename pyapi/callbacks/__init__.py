"""Callbacks of ``fit`` by the names of Keras."""

from .base import Callback, CallbackList, History
from .files import CSVLogger, ModelCheckpoint
from .progress import ProgressBar, ProgressLines
from .stopping import (
    EarlyStopping,
    LambdaCallback,
    LearningRateScheduler,
    ReduceLROnPlateau,
    TerminateOnNaN,
)
from .tensorboard import TensorBoard

ProgbarLogger = ProgressBar  # its name in Keras

__all__ = [
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ProgbarLogger",
    "ProgressBar",
    "ProgressLines",
    "ReduceLROnPlateau",
    "TensorBoard",
    "TerminateOnNaN",
]
