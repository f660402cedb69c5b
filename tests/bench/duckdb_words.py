"""The words of DuckDB: macros that read cells, expressions of the mapping, tests of the checks, two ways to nest."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from customers.blocks import ROOT
from mappings.profile import Kind
from tests.bench.plan import (
    FILLERS,
    MASK_SIGNS,
    OFFSETS,
    UNMASKED,
    WIDTHS,
    ZEROS_ARE_NOTHING,
    formats_of,
    is_free,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from customers.dictionary import Field
    from mappings.core import Source
    from tests.bench.plan import Check, List, Plan


def _offset_steps() -> str:
    """Return the offset of a local time as a CASE, the newest step first: most rows leave it at once."""
    starts, offsets = OFFSETS
    steps = list(zip(starts.tolist(), offsets.tolist(), strict=True))[::-1]
    whens = "".join(
        f" WHEN x >= make_timestamp({start * 1_000_000}) THEN {-offset}" for start, offset in steps[:-1]
    )
    return f"CASE{whens} ELSE {-steps[-1][1]} END"


_FILLERS = ", ".join(f"'{filler}'" for filler in FILLERS)
MACROS = (
    (
        f"CREATE MACRO tidy(x) AS CASE WHEN trim(x) IN ({_FILLERS}) THEN NULL WHEN contains(x, '  ') OR contains(x, chr(10))"
        " THEN trim(regexp_replace(x, '\\s+', ' ', 'g')) ELSE trim(x) END"
    ),
    f"CREATE MACRO unmasked(x) AS translate(x, '{MASK_SIGNS}', '')",
    "CREATE MACRO not_zeros(x) AS CASE WHEN translate(x, '0.-/ ', '') = '' THEN NULL ELSE x END",
    "CREATE MACRO padded(x, n) AS CASE WHEN length(x) < n THEN lpad(x, n, '0') ELSE x END",
    (
        "CREATE MACRO either(x) AS padded(unmasked(x), CASE WHEN contains(x, '/') OR length(unmasked(x)) > 11"
        " THEN 14 ELSE 11 END)"
    ),
    f"CREATE MACRO utc(x) AS x + to_seconds({_offset_steps()})",
    "CREATE MACRO utc_text(x) AS strftime(x, '%Y-%m-%dT%H:%M:%SZ')",
    (
        "CREATE MACRO plain(x) AS CASE WHEN starts_with(ltrim(x, '-'), '0')"
        " THEN regexp_replace(x, '^(-?)0+([0-9])', '\\1\\2') ELSE x END"
    ),
    (
        "CREATE MACRO money(x) AS CASE WHEN NOT contains(x, '.') THEN x || '.00' WHEN x[-2] = '.' THEN x || '0'"
        " WHEN x[-3] = '.' THEN x ELSE regexp_replace(x, '^(-?[0-9]+\\.[0-9]{2}[0-9]*?)0+$', '\\1') END"
    ),
    # In units of 1e-10, so that half to even is exact.
    "CREATE MACRO units(x) AS CAST(replace(CAST(CAST(x AS DECIMAL(18, 8)) AS VARCHAR), '.', '') AS BIGINT)",
    (
        "CREATE MACRO even(u) AS u // 10000 + CASE WHEN u % 10000 > 5000 OR (u % 10000 = 5000 AND (u // 10000) % 2 = 1)"
        " THEN 1 ELSE 0 END"
    ),
    "CREATE MACRO share(x) AS (even(units(x)) // 1000000) || '.' || lpad(CAST(even(units(x)) % 1000000 AS VARCHAR), 6, '0')",
    (
        "CREATE MACRO escaped(x) AS CASE WHEN contains(x, '\"') OR contains(x, '\\')"
        " THEN replace(replace(x, '\\', '\\\\'), '\"', '\\\"') ELSE x END"
    ),
)


def _codes(expression: str, codes: dict[str, str]) -> str:
    whens = " ".join(f"WHEN '{code}' THEN '{meaning}'" for code, meaning in codes.items())
    return f"CASE trim({expression}) {whens} END"


def read_column(source: Source, *, native: bool) -> str:  # noqa: PLR0911 (one line per kind)
    """Return the expression that reads a raw column as its kind."""
    raw, kind = f'"{source.column}"', source.kind
    match kind:
        case Kind.CODE:
            return _codes(raw, source.codes or {})
        case Kind.FLAG:
            return _codes(raw, {"S": "true", "N": "false"})
        case Kind.DATE:
            day = raw if native else f"try_strptime(trim({raw}), '%d/%m/%Y')"
            return f"strftime(nullif({day}, DATE '0001-01-01'), '%Y-%m-%d')"
        case Kind.TIMESTAMP:
            moment = raw if native else f"try_strptime(trim({raw}), '%d/%m/%Y %H:%M:%S')"
            return f"utc(nullif({moment}, TIMESTAMP '0001-01-01 00:00:00'))"
        case Kind.DECIMAL:
            return f"CAST({raw} AS VARCHAR)" if native else f"plain(replace(tidy({raw}), ',', '.'))"
        case Kind.YEAR:
            return f"CAST(try_cast(trim({raw}) AS BIGINT) AS VARCHAR)"
        case Kind.COORDINATE:
            return f"replace(tidy({raw}), ',', '.')"
        case Kind.CPF_OR_CNPJ:
            return f"either(not_zeros(tidy({raw})))"
        case _:
            found = f"tidy({raw})"
            found = f"not_zeros({found})" if kind in ZEROS_ARE_NOTHING else found
            found = f"unmasked({found})" if kind in UNMASKED else found
            return f"padded({found}, {WIDTHS[kind]})" if kind in WIDTHS else found


class SqlWords:
    """The mapping's words as SQL; the staged table is called t."""

    def col(self, name: str) -> str:
        """Return a column."""
        return f"t.{name}"

    def keep(self, value: str, name: str, wanted: str | None, *, negated: bool = False) -> str:
        """Return a value under a condition."""
        test = f"t.{name} IS NULL" if wanted is None else f"t.{name} {'<>' if negated else '='} '{wanted}'"
        return f"CASE WHEN {test} THEN {value} END"

    def address(self) -> str:
        """Return street and number."""
        return "coalesce(t.street || ', ' || t.street_number, t.street)"

    def money(self, name: str) -> str:
        """Return an amount."""
        return f"money(t.{name})"

    def share(self, name: str) -> str:
        """Return a share."""
        return f"share(t.{name})"

    def party_document(self) -> str:
        """Return a document, restored."""
        clean = "unmasked(t.document_number)"
        return (
            f"CASE t.document_type WHEN 'CPF' THEN padded({clean}, 11) WHEN 'CNPJ' THEN padded({clean}, 14)"
            " ELSE t.document_number END"
        )

    def area_code(self) -> str:
        """Return an area code."""
        return "nullif(ltrim(t.area_code, '0'), '')"


def failed(checks: Iterable[Check]) -> list[str]:
    """Return for each check a test that is never null and true where the value is good."""
    return [_good(check) for check in checks]


def _good(check: Check) -> str:  # noqa: PLR0911 (one line per keyword)
    cell = f'"{check.xpath}"'
    match check.keyword:
        case "required":
            due = f"coalesce({_cells(check.siblings)}) IS NULL OR " if check.siblings else ""
            return f"({due}{cell} IS NOT NULL)"
        case "minItems":
            return f'(coalesce("n {check.xpath}", 0) >= {check.argument})'
        case "maxItems":
            return f'(coalesce("n {check.xpath}", 0) <= {check.argument})'
        case "minLength":
            return f"coalesce(length({cell}) >= {check.argument}, true)"
        case "maxLength":
            return f"coalesce(length({cell}) <= {check.argument}, true)"
        case "enum":
            words = ", ".join(f"'{word}'" for word in check.argument)  # type: ignore[attr-defined]
            return f"coalesce({cell} IN ({words}), true)"
        case "format" if check.argument == "date":
            return f"({cell} IS NULL OR try_cast({cell} AS DATE) IS NOT NULL)"
        case "format" if check.argument == "date-time":
            return f"({cell} IS NULL OR try_cast({cell} AS TIMESTAMPTZ) IS NOT NULL)"
        case _:
            tests = " AND ".join(f"regexp_full_match({cell}, '{_sql(text)}')" for text in formats_of(check))
            return f"coalesce({tests}, true)"


def _cells(xpaths: Iterable[str]) -> str:
    return ", ".join(f'"{xpath}"' for xpath in xpaths)


def _sql(text: str) -> str:
    return text.replace("'", "''")


class Nest(ABC):
    """A way to make documents."""

    gathered: str

    @abstractmethod
    def item(self, found: Plan, item: List) -> str:
        """Return one element of a list."""

    @abstractmethod
    def document(self, found: Plan) -> str:
        """Return the text of a document."""

    @abstractmethod
    def is_text(self, word: str) -> str:
        """Test a scalar element."""


class Concatenated(Nest):
    """Texts joined by concat_ws, lists by string_agg."""

    gathered = "'[' || string_agg(item, ',' ORDER BY place) || ']'"

    def item(self, found: Plan, item: List) -> str:
        """Return one element of a list."""
        if item.scalar:
            return f"""'"' || "{item.path}" || '"'"""
        return self._object(found, item.path)

    def document(self, found: Plan) -> str:
        """Return the text of a document."""
        return self._object(found, ROOT)

    def is_text(self, word: str) -> str:
        """Test a scalar element."""
        return f"""item = '"{word}"'"""

    def _object(self, found: Plan, path: str) -> str:
        members = [self._member(found, field) for field in found.children(path)]
        return f"'{{' || concat_ws(',', {', '.join(members)}) || '}}'"

    def _member(self, found: Plan, field: Field) -> str:
        name = f'"{field.name}":'
        match field.type:
            case "array" if field.obligation == "required":
                return f"'{name}' || coalesce(\"{field.xpath}\", '[]')"
            case "object" if found.is_always_sent(field):
                return f"'{name}' || {self._object(found, field.xpath)}"
            case "object":
                some = f"coalesce({_cells(found.leaves_below(field.xpath))}) IS NOT NULL"
                return f"CASE WHEN {some} THEN '{name}' || {self._object(found, field.xpath)} END"
            case "string":
                cell = f'"{field.xpath}"'
                text = f"escaped({cell})" if is_free(found.structure.name, field.xpath) else cell
                return f"'{name}\"' || {text} || '\"'"
            case _:
                return f"'{name}' || \"{field.xpath}\""


class ToJson(Nest):
    """Structs and lists of structs, one to_json per document; members without a value are cut out of the text."""

    gathered = "list(item ORDER BY place)"

    def item(self, found: Plan, item: List) -> str:
        """Return one element of a list."""
        return f'"{item.path}"' if item.scalar else self._struct(found, item.path)

    def document(self, found: Plan) -> str:
        """Return the text of a document."""
        text = f"CAST(to_json({self._struct(found, ROOT)}) AS VARCHAR)"
        without = f"regexp_replace({text}, ',\"[A-Za-z]+\":null', '', 'g')"
        return f"regexp_replace({without}, '\\{{\"[A-Za-z]+\":null,?', '{{', 'g')"

    def is_text(self, word: str) -> str:
        """Test a scalar element."""
        return f"item = '{word}'"

    def _struct(self, found: Plan, path: str) -> str:
        members = ", ".join(
            f'"{field.name}" := {self._value(found, field)}' for field in found.children(path)
        )
        return f"struct_pack({members})"

    def _value(self, found: Plan, field: Field) -> str:
        cell = f'"{field.xpath}"'
        match field.type:
            case "array":
                return f"coalesce({cell}, [])" if field.obligation == "required" else cell
            case "object":
                struct = self._struct(found, field.xpath)
                if found.is_always_sent(field):
                    return struct
                return f"CASE WHEN coalesce({_cells(found.leaves_below(field.xpath))}) IS NOT NULL THEN {struct} END"
            case "boolean":
                return f"CAST({cell} AS BOOLEAN)"
            case "number":
                return f"CAST({cell} AS BIGINT)"
            case _:
                return cell


NESTS: dict[str, type[Nest]] = {"concat_ws": Concatenated, "to_json": ToJson}
