"""CPU kernels: one C++ source, one module per instruction set, chosen at import."""
