"""Layers that several models have: the values of their weights are where they changed last.

``leaf.model`` is the model that has the present values of a leaf. A model that shares layers takes
over what others have changed before it answers, learns or shows its weights.
"""


class Sharing:
    """Part of a model with ``network`` and ``leaves``."""

    shares = False

    def _join(self) -> None:
        """Be the model of the layers; values of layers that have been in another one are kept."""
        for leaf in self.leaves():
            other = leaf.model
            if other not in (None, self) and other.built and self._values(leaf):
                self.shares = other.shares = True
            else:
                leaf.model = self
        self._borrow()

    def _values(self, leaf) -> dict:
        """Views of a leaf's present values, by name."""
        vector = self._session.vector if self._session else self.network.weights.vector
        return {n: self.network.layout.view(vector, n) for n in self.parameter_names(leaf)}

    def _borrow(self) -> None:
        """Take over what other models have changed."""
        others = [leaf for leaf in self.leaves() if leaf.model is not self] if self.shares else []
        if not others:
            return
        vector = (
            self._session.vector.copy() if self._session else self.network.weights.vector.copy()
        )
        for leaf in others:
            pairs = zip(self.parameter_names(leaf), leaf.model._values(leaf).values(), strict=True)
            for name, value in pairs:
                self.network.layout.view(vector, name)[...] = value
        self.put_vector(vector)

    def _claim(self) -> None:
        """Note that the values here are the present ones."""
        if self.shares:
            for leaf in self.leaves():
                leaf.model = self
