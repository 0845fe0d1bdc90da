"""GPU twin of the kernels (CuPy). Imports everywhere; runs where there is a GPU."""
