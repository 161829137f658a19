"""What a rule says when it was not kept."""

from __future__ import annotations

Finding = tuple[str, str]
"""A short name for programs, and the words for people: the figure, the limit, what to do."""


def finding(code: str, *sentences: str) -> Finding:
    """Returns a finding whose words are these sentences.

    Args:
        code: kebab-case; it does not change.
        sentences: each a whole one, with its full stop.
    """
    return code, " ".join(sentences)


def counted(number: float, one: str, many: str | None = None) -> str:
    """Returns a number of things in words: ``1 tick``, ``3 ticks``.

    Args:
        number: how many.
        one: name of one of them.
        many: name of several, where it is not ``one`` with an s.
    """
    return f"{number:.0f} {one if number == 1 else many or f'{one}s'}"


def percent(share: float) -> str:
    """Returns a share of 0 to 1 in percent with its sign."""
    return f"{100 * share:.3g} %"
