"""Which of the Latin encodings a text is in: the one in which all its letters are of one language's alphabet.

They share most of their bytes, so statistics of letters hardly tell them apart: Polish would be `rodz¹ siê wolni`.
"""

import re

_ENCODINGS = ("cp1252", "cp1250", "iso8859_2", "cp1254", "cp1257")
_ALPHABETS = [
    frozenset(letters)
    for letters in (
        "àâäæçèéêëîïñôöœùûüÿß",  # French, German, and words of one in another
        "àáçèéêíïñòóúü",  # Spanish, Catalan
        "áäçèéêëíïóöúüû",  # Dutch
        "áàâãçéêíóôõúü",  # Portuguese
        "àèéìíîòóùú",  # Italian
        "åäöéàüæøô",  # Scandinavian, Finnish
        "áðéíóúýþæö",  # Icelandic
        "äõöüšž",  # Estonian
        "ąćęłńóśźż",  # Polish
        "áčďéěíňóřšťúůýž",  # Czech
        "áäčďéíĺľňóôŕšťúýž",  # Slovak
        "áéíóöőúüű",  # Hungarian
        "ăâîşţ",  # Romanian
        "čćđšž",  # Croatian, Slovene
        "çğıöşüâîû",  # Turkish
        "ąčęėįšųūž",  # Lithuanian
        "āčēģīķļņšūž",  # Latvian
    )
]
"""What they have beyond ASCII, in small letters."""
_SIGNS = frozenset("ªºµ")
"""Letters to Unicode, but of no alphabet."""
_NO_TEXT = frozenset(map(chr, range(0x80, 0xA0))) | {"\ufffd"}
_SYMBOL_IN_WORD = re.compile(r"(?<=[^\W\d_])(?:[¡-©«¬®-´¶¸¹»-¿×÷˘ˇ˙˛˝](?=[^\W\d_])|[±¶¼])")
"""The last are Polish letters in ISO 8859-2, and no footnotes, so that they count at a word's end too."""


def latin_encoding(sample: bytes, guessed: str) -> str:
    """The encoding that fits the sample best; `guessed` where none fits better, or where it is not a Latin one."""
    if guessed not in _ENCODINGS:
        return guessed
    return min((guessed, *_ENCODINGS), key=lambda encoding: _misfits(sample.decode(encoding, "replace").lower()))


def _misfits(text: str) -> tuple[bool, int]:
    """Whether its letters are of no single alphabet, and how many symbols stand inside of words."""
    beyond = {char for char in set(text) - _SIGNS if char > "\x7f" and (char.isalpha() or char in _NO_TEXT)}
    return not any(beyond <= alphabet for alphabet in _ALPHABETS), len(_SYMBOL_IN_WORD.findall(text))
