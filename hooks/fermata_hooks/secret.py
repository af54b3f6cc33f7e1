"""A secret as a value of its own: what prints, formats, logs or serializes it shows ``***``.

So that no secret is shown by mistake, each is of this type from its file to the wire; only what
sends it asks it to ``reveal`` itself.
"""

import hmac
from typing import NoReturn

MASK = "***"


class Secret:
    """A text that is not shown; equal to another secret with the same text."""

    __slots__ = ("__text",)

    def __init__(self, text: str) -> None:
        self.__text = text

    def reveal(self) -> str:
        """Return the text, for who sends it."""
        return self.__text

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self.__text.encode(), other.__text.encode())

    def __hash__(self) -> int:
        return hash(self.__text)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written down")

    def __copy__(self) -> "Secret":
        return self

    def __deepcopy__(self, _: object) -> "Secret":
        return self
