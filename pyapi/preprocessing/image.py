"""Images (B, height, width, channels) changed a little each time they are shown."""

import numpy as np

from respnet.engine.warping import FILL_MODES, filled

from ..arguments import Configured
from ..feeding import PyDataset
from ..utils import next_seed


class ImageDataGenerator(Configured):
    """Random shifts, flips, rotations and zooms, and standardising; ``flow`` gives batches for
    ``fit``.

    Shifts are parts of the size below 1, else pixels. zoom_range: (least, most) factor of height
    and width, each drawn, or z for 1 - z .. 1 + z. What comes in from outside repeats the edge
    (fill_mode "nearest"), is ``cval`` ("constant"), or goes on "reflect"ed or "wrap"ped round.
    """

    arguments = {
        "featurewise_center": False,
        "samplewise_center": False,
        "featurewise_std_normalization": False,
        "samplewise_std_normalization": False,
        "rotation_range": 0,
        "width_shift_range": 0.0,
        "height_shift_range": 0.0,
        "zoom_range": 0.0,
        "fill_mode": "nearest",
        "cval": 0.0,
        "horizontal_flip": False,
        "vertical_flip": False,
        "rescale": None,
        "preprocessing_function": None,
        "zca_whitening": False,
        "data_format": "channels_last",
    }

    def __init__(self, *values, **options):
        super().__init__(*values, **options)
        if self.zca_whitening or self.data_format != "channels_last":
            raise ValueError("ImageDataGenerator: no zca_whitening, and channels_last only")
        if self.fill_mode not in FILL_MODES:
            wanted = ", ".join(FILL_MODES)
            raise ValueError(f"fill_mode must be one of {wanted}, got {self.fill_mode!r}")
        self._zoom = _zooms(self.zoom_range)
        self.mean = self.std = None

    def fit(self, x) -> None:
        """Mean and deviation of each channel, for the featurewise options."""
        x = np.asarray(x, np.float64)
        self.mean = x.mean(axis=(0, 1, 2)) if self.featurewise_center else None
        if self.featurewise_std_normalization:
            self.std = x.std(axis=(0, 1, 2)) + 1e-7

    def flow(self, x, y=None, batch_size=32, shuffle=True, sample_weight=None, seed=None):
        """Batches without end of an epoch in between."""
        return ImageFlow(self, (x, y, sample_weight), batch_size, shuffle, seed)

    def standardize(self, image: np.ndarray) -> np.ndarray:
        """The changes that are the same each time."""
        image = np.asarray(image, np.float32)
        if self.preprocessing_function is not None:
            image = self.preprocessing_function(image)
        if self.rescale:
            image = image * self.rescale
        if self.samplewise_center:
            image = image - image.mean()
        if self.samplewise_std_normalization:
            image = image / (image.std() + 1e-7)
        for wanted, value in (("center", self.mean), ("std_normalization", self.std)):
            if getattr(self, f"featurewise_{wanted}") and value is None:
                raise ValueError(f"featurewise_{wanted} wants fit(x) first")
        image = image if self.mean is None else image - self.mean
        return image if self.std is None else image / self.std

    def random_transform(self, image: np.ndarray, rng) -> np.ndarray:
        """One image, shifted, turned, zoomed and flipped."""
        height, width = image.shape[:2]
        down = _pixels(self.height_shift_range, height, rng)
        right = _pixels(self.width_shift_range, width, rng)
        angle = rng.uniform(-self.rotation_range, self.rotation_range)
        zoom = rng.uniform(*self._zoom, 2) if self._zoom[0] != self._zoom[1] else self._zoom
        image = self._moved(image, (down, right), np.deg2rad(angle), zoom)
        if self.horizontal_flip and rng.random() < 0.5:
            image = image[:, ::-1]
        if self.vertical_flip and rng.random() < 0.5:
            image = image[::-1]
        return image

    def _moved(self, image, shift, angle: float, zoom) -> np.ndarray:
        """Each pixel of the result from its place in the image, nearest neighbour."""
        if not any(shift) and not angle and tuple(zoom) == (1, 1):
            return image
        height, width = image.shape[:2]
        middle = (height - 1) / 2, (width - 1) / 2
        rows = np.arange(height)[:, None] - middle[0] - shift[0]  # (H,1), without a turn to the end
        columns = np.arange(width) - middle[1] - shift[1]
        if angle:
            sine, cosine = np.sin(angle), np.cos(angle)
            rows, columns = cosine * rows - sine * columns, sine * rows + cosine * columns
        rows, columns = rows * zoom[0] + middle[0], columns * zoom[1] + middle[1]
        rows, there = filled(np.rint(rows), height, self.fill_mode)
        columns, here = filled(np.rint(columns), width, self.fill_mode)
        moved = image[rows, columns]
        moved[~(there & here)] = self.cval
        return moved


def _pixels(reach: float, size: int, rng) -> float:
    """A random shift of at most ``reach``: a part of the size below 1, else pixels."""
    return rng.uniform(-reach, reach) * size if reach < 1 else rng.integers(-reach, reach + 1)


def _zooms(given) -> tuple[float, float]:
    """(least, most) factor between a place of the result and that of the image."""
    least, most = (1 - given, 1 + given) if np.ndim(given) == 0 else given
    if not 0 < least <= most:
        raise ValueError(f"zoom_range must be below 1, or two numbers above 0, got {given!r}")
    return float(least), float(most)


class ImageFlow(PyDataset):
    """The batches of ``ImageDataGenerator.flow``; each epoch in a new order, changed anew."""

    def __init__(self, generator, data, batch_size: int, shuffle: bool, seed):
        super().__init__()
        self.generator, self.batch_size, self.shuffle = generator, batch_size, shuffle
        self.x, self.y, self.weights = (None if a is None else np.asarray(a) for a in data)
        if self.x.ndim != 4:
            raise ValueError(f"images must be (B, height, width, channels), got {self.x.shape}")
        self.rng = np.random.default_rng(next_seed() if seed is None else seed)
        self._next = 0
        self.on_epoch_end()

    def on_epoch_end(self) -> None:
        n = len(self.x)
        self._order = self.rng.permutation(n) if self.shuffle else np.arange(n)

    def __len__(self):
        return -(-len(self.x) // self.batch_size)

    def __getitem__(self, index):
        rows = self._order[index * self.batch_size : (index + 1) * self.batch_size]
        make = self.generator
        moved = (make.random_transform(self.x[row], self.rng) for row in rows)
        images = np.stack([make.standardize(image) for image in moved])
        batch = (images, *(a[rows] for a in (self.y, self.weights) if a is not None))
        return batch if len(batch) > 1 else images

    def __iter__(self):
        return self

    def __next__(self):
        if self._next == len(self):
            self._next = 0
            self.on_epoch_end()
        self._next += 1
        return self[self._next - 1]


__all__ = ["ImageDataGenerator", "ImageFlow"]
