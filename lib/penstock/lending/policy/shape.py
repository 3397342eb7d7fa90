"""The shape of a policy's document: which keys a map may have, and of what type a value is."""

import datetime as dt
from collections.abc import Callable, Collection, Mapping
from typing import Any, NoReturn

from penstock.documents import Document
from penstock.errors import ConfigError, did_you_mean
from penstock.keys import Step, Steps

_TOLD = {
    str: "a text, in quotes if it looks like a number", dt.date: "a day, as 2025-07-01",
    dict: "a map of keys to values", list: "a list", float: "a number",
}  # fmt: skip


class Shape:
    """Holds what a document says against what may stand there, and refuses with file and line."""

    def __init__(self, document: Document) -> None:
        self._document = document

    def place(self, *steps: Step) -> str:
        """Return "file, line n" of a value."""
        return self._document.place(*steps)

    def refuse(self, steps: Steps, message: str) -> NoReturn:
        """Raise what is wrong with the value at these steps."""
        raise ConfigError(f"{self.place(*steps)}: {message}")

    def keys(
        self, told: Any, steps: Steps, known: Collection[str], *, optional: Collection[str] = ()
    ) -> Mapping[str, Any]:
        """Return a map that has no key but those known, and all of them but the optional ones."""
        where = steps[-1] if steps else "a policy"
        if not isinstance(told, dict):
            self.refuse(steps, f"{where} is {told!r}; it must be {_TOLD[dict]}.")
        for key in told:
            if key not in known:
                self.refuse(
                    (*steps, key),
                    f"unknown key '{key}'; known are {', '.join(known)}.{did_you_mean(key, known)}",
                )
        missing = [key for key in known if key not in told and key not in optional]
        if missing:
            self.refuse(steps, f"{', '.join(missing)} missing here. Add it.")
        return told

    def typed(self, value: Any, steps: Steps, kind: type) -> Any:
        """Return a value as one of its type: a day is a text in a document, 0 a number."""
        made = _READ.get(kind, lambda told: told)(value)
        if not isinstance(made, kind) or isinstance(value, bool):
            self.refuse(steps, f"{steps[-1]} is {value!r}; it must be {_TOLD[kind]}.")
        return made

    def text(self, value: Any, steps: Steps) -> str:
        """Return a text that is not empty, without blanks at its ends."""
        text = str(self.typed(value, steps, str)).strip()
        if not text:
            self.refuse(steps, f"{steps[-1]} is empty. Write it, or take its owner out.")
        return text

    def one_of(self, value: Any, steps: Steps, known: Collection[str], what: str) -> str:
        """Return a word that is one of several."""
        if value not in known:
            self.refuse(
                steps,
                f"{steps[-1]} is {value!r}; {what} it is one of {', '.join(known)}."
                f"{did_you_mean(str(value), known)}",
            )
        return str(value)


def _day(told: Any) -> Any:
    try:
        return dt.date.fromisoformat(told)
    except (TypeError, ValueError):
        return told


_READ: dict[type, Callable[[Any], Any]] = {
    dt.date: _day,
    float: lambda told: float(told) if type(told) is int else told,
}
