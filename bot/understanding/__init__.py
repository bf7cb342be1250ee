"""Free questions in English and Chinese → what is asked. Deterministic; never guesses a target."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from bot.requests import Earlier, Lang, Request


def understand(
    typed: str,
    *,
    text: str,
    lang: Lang,
    names: Collection[str] = (),
    earlier: Earlier | None = None,
    today: date | None = None,
) -> Request:
    """What a message without a typed command asks for; what is expensive is not sure, so that it is confirmed first.

    Args:
        typed: the message as it was typed, ``text`` as it was delivered.
        names: of registered endpoints, which are targets too.
        earlier: what was last asked in the same thread.
    """
    from bot.understanding.following import follow
    from bot.understanding.heard import Heard, checked
    from bot.understanding.scene import scene_of

    blank = Request(verb="other", text=text, lang=lang, free=True)
    heard = Heard(scene_of(typed, names), typed, names, today or date.today(), blank)
    request = follow(heard, earlier)
    return request if request.confirms or not request.sure else checked(request)
