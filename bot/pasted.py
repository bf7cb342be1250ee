"""Keys and tokens that people paste where they do not belong. Errs on the side of questions: a commit hash,
a file path or a model's name is never taken for a key. Pure."""

from __future__ import annotations

import re

# By their shape alone; the first group of issuers marks its keys so that they can be found.
_ISSUED = re.compile(
    r"(?<![\w/])(?:"
    r"sk-[\w-]{0,200}?(?<![A-Za-z0-9])[A-Za-z0-9]{16,}"  # OpenAI, DeepSeek, Anthropic, OpenRouter ...
    r"|hf_[A-Za-z0-9]{20,}|xox[abeprs]-[\w-]{10,}|xapp-[\w-]{10,}|gsk_[A-Za-z0-9]{20,}|xai-[A-Za-z0-9]{20,}"
    r"|(?:ghp|gho|ghs|ghu|github_pat|glpat|pplx|nvapi|r8|tgp_v1)[_-][\w-]{20,}|AIza[\w-]{30,}|(?:AKIA|ASIA|LTAI)[A-Z0-9]{12,}"
    r"|eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*"
    r")",
    re.ASCII,
)
_LOGIN = re.compile(r"\w{2,12}://[^\s/@:<>|]{1,200}:[^\s/@<>|]{1,200}@|https?://[^\s/@<>|]{8,200}@", re.ASCII)
_VALUE = r"[\"'“”`]?(?P<value>[A-Za-z0-9._~+/=$-]{6,400})"
_TIE = r"[\"'“”`]?\s{0,3}(?:[:=：＝]|\bis\b|是|为)\s{0,3}"
_BEARER = re.compile(rf"\b(?:Bearer|Basic)\s{{1,3}}{_VALUE}", re.IGNORECASE)
_NAMED = re.compile(
    r"(?:api[ _-]?key|api[ _-]?token|access[ _-]?token|auth[ _-]?token|access[ _-]?key|secret(?:[ _-]?key)?|client[ _-]?secret"
    rf"|authorization|password|passwd|api\s?密钥|访问令牌|密码|口令){_TIE}(?:Bearer\s+|Basic\s+)?{_VALUE}",
    re.IGNORECASE,
)
_LOOSE = re.compile(rf"(?:\bkey|\btoken|密钥|秘钥|令牌)(?:{_TIE}|\s{{1,3}}){_VALUE}", re.IGNORECASE)
_VARIABLE = re.compile(r"\$|[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$")
_RUN = re.compile(r"[A-Za-z0-9]{20,}")
_LONG_RUN = re.compile(r"[A-Za-z0-9]{24,}")  # longer than any word
_HEX = re.compile(r"(?<![A-Za-z0-9])[0-9a-fA-F]{24,}(?![A-Za-z0-9])")


def holds_secret(text: str) -> bool:
    """Whether a message holds a key, a token or a login: by its issuer's mark, by a name such as ``api_key=``
    before it, or as ``user:password@`` in a URL."""
    if _ISSUED.search(text) or _LOGIN.search(text):
        return True
    if any(_looks_typed(match["value"]) for rule in (_BEARER, _NAMED) for match in rule.finditer(text)):
        return True
    return any(_looks_drawn(match["value"]) for match in _LOOSE.finditer(text))


def _looks_typed(value: str) -> bool:
    """After words that name a credential: anything that is no plain word, variable or address."""
    if _VARIABLE.match(value) or "://" in value or value.startswith(("/", "./", "~/")):
        return False
    return (len(value) >= 8 and any(char.isdigit() for char in value)) or _LONG_RUN.search(value) is not None


def _looks_drawn(value: str) -> bool:
    """Drawn at random: a long run of letters and digits, where names have hyphens, dots or slashes."""
    if _HEX.search(value):
        return True
    return any(not run.isdigit() and any(map(str.isdigit, run)) for run in _RUN.findall(value))
