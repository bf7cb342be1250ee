"""Every way a question can fail, each with the sentence a person reads.

The sentences live in ``engine/text/{en,zh}.yaml`` under ``errors``, keyed by ``code``; an error
carries the code and the values its sentence names.
"""

from __future__ import annotations


class R1Error(Exception):
    """Anything a user can be told about. Subclasses say whose move it is.

    Args:
        code: key under ``errors`` in the text files.
        values: what the sentence names (paths, counts, limits); JSON-able.
    """

    def __init__(self, code: str, /, **values: object) -> None:
        super().__init__(code)
        self.code = code
        self.values = values

    def sentence(self, lang: str = "en") -> str:
        """The one sentence to show, in ``lang`` (``en`` or ``zh``)."""
        from engine.text import say

        return say(f"errors.{self.code}", lang, **{name: _one_line(value) for name, value in self.values.items()})

    def __str__(self) -> str:
        return self.sentence("en")


def _one_line(value: object) -> object:
    """Names come from files: a line break or control character in one must not break the sentence."""
    if not isinstance(value, str) or value.isprintable():
        return value
    return "".join(char if char.isprintable() else "�" for char in value)


class UsageError(R1Error):
    """The request itself is off: an unknown verb, option, family or constraint."""


class TargetError(R1Error):
    """The target cannot be read: missing, private, unsupported, or not there any more."""


class CorruptTarget(TargetError):
    """The target's files contradict the format or each other: truncated, missing, malformed."""


class CatalogError(R1Error):
    """A family, folklore or rule file is invalid; ``values`` name the file and the line."""
