"""Where lines come from: a person's hands, with history and completion, or a pipe."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

_PROMPT = "› "
_KEPT = 1_000


def piped() -> Iterator[str]:
    """Lines of standard input, as far as something is on them; bytes that are no text do not matter."""
    for line in iter(sys.stdin.buffer.readline, b""):
        text = line.decode("utf-8", "replace").strip()
        if text:
            yield text


class Typed:
    """Lines typed at a terminal. Earlier ones come back with the arrow keys, also those of earlier conversations."""

    def __init__(self, completions: Callable[[], Iterable[str]]) -> None:
        import readline

        self._line, self._completions = readline, completions
        self._found: list[str] = []
        with contextlib.suppress(OSError):
            readline.read_history_file(history_file())
        readline.set_history_length(_KEPT)
        readline.set_completer_delims(" \t\n")
        readline.set_completer(self._complete)
        readline.parse_and_bind("tab: complete")

    def read(self, begun: str = "") -> str:
        """The next line; ``begun`` stands there already, to be completed.

        Raises:
            EOFError: there is none.
        """
        self._line.set_startup_hook(lambda: self._line.insert_text(begun))
        line = input(_PROMPT)
        self._keep()
        return line

    def forget_last(self) -> None:
        """Let the last line not come back: it held a secret."""
        self._line.remove_history_item(self._line.get_current_history_length() - 1)
        self._keep()

    def _keep(self) -> None:
        """For the next conversation, readable by its user only; without a place for it, history lasts as long as
        this one."""
        file = history_file()
        with contextlib.suppress(OSError):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch(mode=0o600)
            self._line.write_history_file(file)

    def _complete(self, typed: str, at: int) -> str | None:
        if at == 0:
            try:
                self._found = [f"{word} " for word in dict.fromkeys(self._completions()) if word.startswith(typed)]
            except Exception:  # a completion that fails proposes nothing
                self._found = []
        return self._found[at] if at < len(self._found) else None


def history_file() -> Path:
    """Where the lines typed in conversations are kept."""
    from platformdirs import user_data_path

    return user_data_path("r1-detective") / "chat_history"
