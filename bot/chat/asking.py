"""`r1 ask`: one question in free words, from the shell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.chat.conversation import Conversation
from bot.chat.record import said_json
from bot.exits import code_of
from bot.keeping import here
from bot.presentation import words as said
from bot.requests import Lang, Request
from bot.settings import Settings
from bot.store.queries import earlier_in
from bot.terminal import print_json, progress_line, show
from engine.errors import UsageError


def ask_once(words: Sequence[str], settings: Settings, lang: Lang, *, yes: bool, as_json: bool) -> int:
    """Answer a question; returns the exit code.

    Args:
        yes: run what is expensive, though it was understood from free words.

    Raises:
        R1Error: nothing that can be answered; the sentence says what is missing.
    """
    conversation = Conversation(settings, lang)
    try:
        with conversation.store.begin() as session:
            conversation.earlier = earlier_in(session, here())
        text = " ".join(words) if len(words) == 1 else " ".join(map(_quoted, words))
        heard = conversation.hear(text)
        assert isinstance(heard, Request), "nothing was offered to choose from"
        turn = conversation.answer(_ready(heard, yes=yes), (not as_json and progress_line(lang)) or _unseen)
    finally:
        conversation.close()
    if turn.answer.error is not None:
        raise turn.answer.error
    if as_json:
        print_json(said_json(text, turn))
    else:
        show(turn.request, turn.answer)
    return code_of(turn.answer)


def _ready(request: Request, *, yes: bool) -> Request:
    """The request as it may run without anybody to ask back."""
    if request.verb == "other":
        raise UsageError("cli_unclear")
    if request.ask is not None:
        raise UsageError("cli_asks", what=said(request.lang)["chat"]["missing"][request.ask])
    if not request.sure and not yes:
        from bot.understanding.line import line_of

        raise UsageError("cli_sure", line=f"r1 {line_of(request)}")
    return replace(request, sure=True)


def _quoted(word: str) -> str:
    """A word of a shell's as the grammar splits it again."""
    return f'"{word}"' if any(char.isspace() for char in word) and '"' not in word else word


def _unseen(progress: object) -> None:
    pass
