"""Functions of users, as files ask for them: by name (Lambda, activations, losses)."""

from respnet.engine.errors import SpecError

from .arguments import unknown

FUNCTIONS: dict = {}  # those that load_model was given


def function_named(value):
    """A function, or the one of a name that ``learn`` was told."""
    if callable(value):
        return value
    if value not in FUNCTIONS:
        raise SpecError(
            f"{unknown('function', value, FUNCTIONS)}; load_model takes custom_objects={{name: f}}"
        )
    return FUNCTIONS[value]
