"""Models into a server: ``deploy``, and their bytes as the server stores them."""

from respnet.engine.storage import Saved, to_bytes

from . import __version__


class Deployable:
    """The part of a model that goes to a server."""

    def deploy(self, url: str, key: str, **options) -> None:
        """Store the model as it is now under ``key`` of the server at ``url``, over one that is
        there already: clients run it by AI.MODELEXECUTE or ``respnet.connect(url).model_run``.

        options: those of ``Client.model_store`` (tag, device, batch ...).
        """
        from .client import connect

        with connect(url) as client:
            client.model_store(key, self, **options)


def network_bytes(model) -> bytes:
    """The ``*.respnet`` bytes of a built model or a ``Network``: spec and weights, no rows."""
    if hasattr(model, "current_vector"):  # layers
        from .saving import contents

        model._need_built()
        return to_bytes(Saved(model.spec, *contents(model, include_optimizer=False), __version__))
    network = model._model
    return to_bytes(Saved(network.spec, {"weights": network.weights.vector}, {}, __version__))
