"""Documents: YAML files below conf/ that are the value of a parameter, with their lines for errors.

Values only: `document_files.py` reads them, and the function that takes the parameter says what
they mean.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from penstock.keys import Step, Steps


@dataclass(frozen=True)
class Document:
    """What one YAML file says. Two are equal if they say the same: comments, layout and the order
    of keys do not count, nor where the file lies.

    Attributes:
        path: The file, as an error names it.
        text: What it says as JSON, keys in order; a date is a text there.
        lines: Keys and places in lists that lead to a value, to the line it stands on.
    """

    path: str = field(compare=False)
    text: str
    lines: Mapping[Steps, int] = field(compare=False, repr=False)

    @property
    def value(self) -> Any:
        """What it says, as plain values."""
        return json.loads(self.text)

    def place(self, *steps: Step) -> str:
        """Return "file, line n" of the value at these steps, or of what is nearest above it."""
        while steps and steps not in self.lines:
            steps = steps[:-1]
        return f"{self.path}, line {self.lines.get(steps, 1)}"


@dataclass(frozen=True)
class Documents:
    """The documents of a file, or of all YAML files of a folder by name.

    Attributes:
        path: The file or folder, as an error names it.
    """

    path: str = field(compare=False)
    files: tuple[Document, ...]

    def __repr__(self) -> str:
        return self.path

    def __str__(self) -> str:
        """Return what they say, keys in order: the text that a fingerprint is made of."""
        return str([document.value for document in self.files])
