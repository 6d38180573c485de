"""Text that students wrote, made harmless before it is shown anywhere."""

import unicodedata


def plain(text, limit=500) -> str:
    """One line of visible characters, at most `limit` of them.

    Line ends and tabs become spaces. Escape sequences, marks that turn the direction of writing and
    all else that is not seen but acts is shown by its number, as in \\u202e.
    """
    text = str(text)
    cut = text[:limit]
    shown = "".join(_visible(c) for c in cut)
    return shown + ("…" if len(text) > limit else "")


def _visible(character) -> str:
    if character in "\n\r\t\v\f\x85\u2028\u2029":
        return " "
    if unicodedata.category(character).startswith("C"):  # control, format, surrogate, private, unassigned
        return character.encode("unicode_escape").decode("ascii")
    return character
