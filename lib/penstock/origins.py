"""Origins: which file and line, or which `--set`, says what a value of the configuration is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from penstock.keys import Steps, key_text
from penstock.layers import REFERENCE, Layer


@dataclass(frozen=True)
class Origins:
    """The layers that a configuration was merged from, `conf/base` first."""

    layers: Sequence[Layer]

    def told(self, steps: Steps) -> str:
        """Return how an error names a value: where it is said, and its key there.

        Of a reference, what it points at: that is what is to be mended.
        """
        place, key = self._origin(steps)
        return f"{place}: {key_text(key)}"

    def place(self, steps: Steps) -> str:
        """Return the file and line that say a value, else what is nearest above it.

        The last layer that says it counts; of a reference, what it points at.
        """
        return self._origin(steps)[0]

    def _origin(self, steps: Steps) -> tuple[str, Steps]:
        for layer in reversed(self.layers):
            depth, found = _reached(layer.values, steps)
            reference = REFERENCE.fullmatch(found) if isinstance(found, str) else None
            if reference:
                return self._origin((*reference[1].split("."), *steps[depth:]))
            # Maps merge, so that an earlier layer may have the key; everything else replaces.
            is_in_list = any(isinstance(step, int) for step in steps[:depth])
            if depth == len(steps) or is_in_list or not isinstance(found, Mapping):
                return layer.place(steps[:depth]), steps
        place, key = self._origin(steps[:-1])
        return place, (*key, steps[-1])


def _reached(value: Any, steps: Steps) -> tuple[int, Any]:
    """Return how many of the steps there are, and what they lead to."""
    for depth, step in enumerate(steps):
        is_there = (
            step in value
            if isinstance(value, Mapping)
            else isinstance(value, list) and isinstance(step, int) and step < len(value)
        )
        if not is_there:
            return depth, value
        value = value[step]
    return len(steps), value
