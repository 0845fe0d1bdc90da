"""Where a model computes: ``Sequential(..., device="gpu:0")``, ``model.device = "cpu"`` later."""

from respnet.engine import Model as Network
from respnet.engine.device import device_named


class Placed:
    """Part of a model with ``network``: ``cpu``, ``cpu:LEVEL``, ``gpu`` or ``gpu:NUMBER``."""

    _device = "cpu"

    @property
    def device(self) -> str:
        return self._device

    @device.setter
    def device(self, name: str) -> None:
        """Weights, and what the optimizer knows, go along."""
        device_named(name)  # it says so if there is none
        if not self.built:
            self._device = name
            return
        state = self._session.snapshot() if self._session else self._resume
        vector = self.current_vector()
        self._device = name
        self.network = self.placed(self.spec, vector)
        self._session, self._stale, self._resume = None, False, state

    def placed(self, spec, vector=None) -> Network:
        """The engine's model of a spec, on this device."""
        return Network(spec, device=self._device, threads=self.threads, vector=vector)
