"""Text messages: the characters of their cheap alphabet (GSM 03.38), and how long a text is in it."""

from __future__ import annotations

_BASIC = frozenset(
    "@\u00a3$\u00a5\u00e8\u00e9\u00f9\u00ec\u00f2\u00c7\n\u00d8\u00f8\r\u00c5\u00e5\u0394_\u03a6\u0393\u039b\u03a9\u03a0\u03a8"
    "\u03a3\u0398\u039e\u00c6\u00e6\u00df\u00c9 !\"#\u00a4%&'()*+,-./0123456789:;<=>?\u00a1ABCDEFGHIJKLMNOPQRSTUVWXYZ\u00c4"
    "\u00d6\u00d1\u00dc\u00a7\u00bfabcdefghijklmnopqrstuvwxyz\u00e4\u00f6\u00f1\u00fc\u00e0"
)
_EXTENDED = frozenset("^{}\\[~]|\u20ac")
# One character outside the alphabet makes a text message less than half as long; these have a twin inside.
_TWINS = str.maketrans(
    {
        "\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-", "\u2014": "-", "\u2011": "-",
        "\u2026": "...", "\u00a0": " ", "\u202f": " ", "\u2022": "-", "\u2060": "", "\u00b0": "", "\u00d7": "x", "`": "'",
    }
)  # fmt: skip
# A text with other characters is sent with 16 bits each: 67 instead of 153 fit into a part.
_WIDE = 153 / 67


def gsm(text: str) -> str:
    """Replace typographic characters by those of the alphabet; others stay."""
    return text.translate(_TWINS)


def sms_length(text: str) -> int:
    """Return how many characters of the alphabet a text takes; one with other characters counts more than twice."""
    if all(character in _BASIC or character in _EXTENDED for character in text):
        return len(text) + sum(character in _EXTENDED for character in text)
    return round(len(text.encode("utf-16-le", "surrogatepass")) / 2 * _WIDE)
