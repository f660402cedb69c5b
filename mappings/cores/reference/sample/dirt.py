"""What legacy systems do to good values without making them wrong: the reader must see through all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow.compute as pc

from mappings.cores.reference.sample.draw import (
    choose,
    has_text,
    join,
    on,
    padded,
    pool,
    timestamp_text,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mappings.cores.reference.sample.draw import Draw, Ints, Mask, Text

TEXT_FILLERS = pool(("N/A", "NA", "NAO INFORMADO", " ", "   "))
DATE_FILLERS = pool(("00/00/0000", "01/01/0001", "N/A", " "))
ZERO_DOCUMENTS = pool(("0", "00000000000", "000.000.000-00", "0000000"))

# Local times that daylight saving time skipped (spring) or repeated (autumn).
_CLOCK_CHANGES = (
    ("2018-02-17", 23 * 3600 + 30 * 60),
    ("2017-10-15", 30 * 60),
    ("2019-02-16", 23 * 3600 + 59 * 60 + 59),
    ("2018-11-04", 15 * 60),
    ("2007-02-24", 23 * 3600 + 1),
    ("2006-11-05", 0),
    ("2000-02-26", 23 * 3600 + 45 * 60),
    ("1999-10-03", 59 * 60 + 59),
    ("1986-03-14", 23 * 3600 + 10 * 60),
)
_CHANGE_DAYS = np.array([day for day, _ in _CLOCK_CHANGES], "datetime64[D]").astype(np.int64)
_CHANGE_SECONDS = np.array([second for _, second in _CLOCK_CHANGES])


def blanks(draw: Draw, text: Text, share: float = 0.03) -> Text:
    """Add leading and trailing blanks and double the inner ones in a share of the values."""
    _, leading, trailing, doubled = draw.cases(len(text), (1 - share, share / 3, share / 3, share / 3))
    filled = has_text(text)
    text = on(leading & filled, text, lambda part: join("  ", part))
    text = on(trailing & filled, text, lambda part: join(part, "   "))
    return on(doubled & filled, text, lambda part: pc.replace_substring(part, " ", "  "))


def shouted(draw: Draw, text: Text, share: float = 0.15) -> Text:
    """Write a share of the values in capitals, as an older front end did."""
    return on(draw.chance(len(text), share), text, pc.utf8_upper)


def fillers(draw: Draw, text: Text, words: Text, share: float = 0.06) -> Text:
    """Write a filler over a share of the empty values."""
    empty = ~has_text(text) & draw.chance(len(text), share)
    return on(empty, text, lambda part: draw.pick(len(part), words))


def clock_changes(draw: Draw, text: Text, share: float = 0.004) -> Text:
    """Put local times that daylight saving time skipped or repeated over a share of the timestamps."""
    chosen = draw.corner(has_text(text), share)
    possible = np.flatnonzero(draw.today > _CHANGE_DAYS)
    if not len(possible):
        return text

    def moments(part: Text) -> Text:
        which = possible[draw.below(len(part), len(possible))]
        return timestamp_text(_CHANGE_DAYS[which], _CHANGE_SECONDS[which])

    return on(chosen, text, moments)


def amounts(draw: Draw, cents: Ints) -> Text:
    """Write amounts with a decimal comma: mostly two decimals, some fewer, more or trailing zeros."""
    cents = cents.astype(np.int64)
    sign = choose(cents < 0, "-", "")
    whole, rest = np.abs(cents) // 100, np.abs(cents) % 100
    text = join(sign, padded(whole, 1), ",", padded(rest, 2))
    _, zeros, precise, one_decimal, whole_number = draw.cases(len(cents), (0.6, 0.2, 0.1, 0.05, 0.05))
    text = on(zeros, text, lambda part: join(part, "00"))
    text = on(precise & (rest > 0), text, lambda part: join(part, "37"))
    text = on(one_decimal & (rest % 10 == 0), text, lambda part: pc.utf8_slice_codeunits(part, 0, -1))
    return on(whole_number & (rest == 0), text, lambda part: pc.utf8_slice_codeunits(part, 0, -3))


def coordinates(draw: Draw, degrees: NDArray[np.float64], points: Mask) -> Text:
    """Write degrees with 4, 7 or 8 decimals and a decimal comma, or a point where ``points`` holds."""
    units = np.rint(degrees * 1e8).astype(np.int64)
    whole = join(choose(units < 0, "-", ""), padded(np.abs(units) // 10**8, 1), choose(points, ".", ","))
    fraction = padded(np.abs(units) % 10**8, 8)
    four, seven, _ = draw.cases(len(units), (0.4, 0.3, 0.3))
    fraction = on(four, fraction, lambda part: pc.utf8_slice_codeunits(part, 0, 4))
    fraction = on(seven, fraction, lambda part: pc.utf8_slice_codeunits(part, 0, 7))
    return join(whole, fraction)
