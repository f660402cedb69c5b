"""What counts as a blank, in one place, because no two regular expression engines agree on it."""

from __future__ import annotations

# Every character that Python's str.strip or ECMA-262's \s takes for a blank.
BLANKS = (
    "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006"
    "\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
)

# Words that stand for "no value", which the standard forbids (G-NA); compared trimmed and in upper case.
FILLERS: tuple[str, ...] = (
    "NA",
    "N/A",
    "N.A",
    "N.A.",
    *(
        f"{no}{joint}{joint.join(words)}"
        for no in ("NAO", "NÃO")
        for joint in (" ", "_")
        for words in (
            ("SE", "APLICA"),
            ("APLICAVEL",),
            ("APLICÁVEL",),
            ("DISPONIVEL",),
            ("DISPONÍVEL",),
            ("INFORMADO",),
            ("INFORMADA",),
        )
    ),
)
