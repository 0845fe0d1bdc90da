"""respnet: small neural networks, trained and served over the Redis protocol."""

if __name__ != "respnet":
    raise ImportError("this folder is the package respnet; run: import respnet")

__version__ = "0.1.0"
