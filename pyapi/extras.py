"""Optional packages: there, or one line that says how to get them."""

import importlib


class MissingExtraError(ImportError):
    """An optional package that is not installed."""


def need(module: str, extra: str):
    """The module ``module``; without it an error that names the extra which brings it."""
    try:
        return importlib.import_module(module)
    except ImportError:
        text = f'this needs the "{extra}" extra: pip install "respnet[{extra}]"'
        raise MissingExtraError(text) from None
