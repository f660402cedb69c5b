"""P2 and P2b: the export in DuckDB SQL, one statement per list, documents by to_json or by concat_ws, then COPY."""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from customers.blocks import ROOT
from customers.structures import STRUCTURES
from mappings.personal_financial_relations import five_years_before
from mappings.profile import TABLES
from tests.bench.duckdb_words import MACROS, NESTS, SqlWords, failed, read_column
from tests.bench.loading import FAILING, SCHEMA, Target, blocks_of, target
from tests.bench.plan import CORE, LINKS, NOTE, ONLY_PAYROLL, PRODUCTS, plan, sources, value

if TYPE_CHECKING:
    from tests.bench.duckdb_words import Nest
    from tests.bench.plan import Check, List, Plan

SENT = {
    "products": "t.status IS DISTINCT FROM 'E'",
    "accounts": "t.status IS DISTINCT FROM 'E'",
    "parties": "NOT coalesce(t.type = 'SOCIO' AND CAST(t.share_percent AS DECIMAL(20, 8)) < 25, false)",
    "portabilities_received": "NOT coalesce(t.portability_approval_date < '{since}', false)",
}


class Rival:
    """One run in one in-memory DuckDB."""

    def __init__(self, export: Path, nest: Nest, day: date) -> None:
        self.export, self.nest = export, nest
        self.since = five_years_before(day).isoformat()
        self.words = SqlWords()
        self.db = duckdb.connect()
        for macro in MACROS:
            self.db.execute(macro)

    def run(self, into: Target) -> None:
        """Stage, then map, check, nest and load one structure after the other."""
        self._registers()
        for table in set(TABLES) - {"customers"}:
            self._stage(table)
        for structure in STRUCTURES:
            self._structure(plan(structure.name))
            rows = self.db.sql(f"SELECT {', '.join(SCHEMA.names)} FROM made WHERE NOT bad").to_arrow_table()
            into.load("documents", blocks_of(rows))
        into.load("failing", blocks_of(self.db.sql("SELECT * FROM failing").to_arrow_table()))

    def _make(self, table: str, query: str) -> None:
        self.db.execute(f"CREATE OR REPLACE TABLE {table} AS {query}")

    def _source(self, table: str) -> str:
        raw = sources()[table].name
        path = self.export / f"{raw}.parquet"
        if path.exists():
            return f"read_parquet('{path}')"
        path = self.export / f"{raw}.csv"
        # The reader knows no cp1252; the sample has only what latin-1 writes the same way.
        return (
            f"read_csv('{path}', delim = ';', header = true, all_varchar = true, encoding = 'latin-1',"
            " quote = '\"', escape = '\"', nullstr = '')"
        )

    def _columns(self, table: str) -> str:
        native = (self.export / f"{sources()[table].name}.parquet").exists()
        found = {
            name: read_column(source, native=native) for name, source in sources()[table].columns.items()
        }
        served = {"incorporation_date", "start_date"} & found.keys()  # the other moments are compared first
        found |= {name: f"utc_text({found[name]})" for name in served}
        return ", ".join(f"{expression} AS {name}" for name, expression in found.items())

    def _registers(self) -> None:
        self.db.execute(f"CREATE TABLE failing ({', '.join(f'{name} VARCHAR' for name in FAILING.names)})")
        self._make(
            "customers",
            f"SELECT row_number() OVER (ORDER BY s.core_key) AS r, s.* EXCLUDE (tax_id, start_in_3040, start_in_ccs),"
            " padded(s.tax_id, CASE s.person_kind WHEN 'J' THEN 14 ELSE 11 END) AS tax_id,"
            " least(start_in_3040, start_in_ccs) AS started, i.customer_id FROM (SELECT trim("
            f"{CORE.key}) AS core_key, {self._columns('customers')} FROM {self._source('customers')}) s"
            f" JOIN read_parquet('{self.export}/_ids.parquet') i USING (core_key)",
        )
        self._make(
            "persons",
            "SELECT r, person_kind AS kind, status, updated_at, started,"
            " min(r) OVER person AS lead, bool_or(status <> 'E') OVER person AS has_open FROM customers"
            " WINDOW person AS (PARTITION BY person_kind, coalesce(tax_id, '@' || core_key))",
        )

    def _stage(self, table: str) -> None:
        self._make(
            table,
            f"SELECT c.r, s.* EXCLUDE (core_key) FROM (SELECT trim({CORE.key}) AS core_key, row_number() OVER ()"
            f" AS line, {self._columns(table)} FROM {self._source(table)}) s JOIN customers c USING (core_key)",
        )

    def _scope(self, found: Plan) -> None:
        kind = found.structure.kind
        match found.structure.subject:
            case "identifications":
                chosen = f"SELECT r, r AS d, updated_at, started FROM persons WHERE kind = '{kind}'"
            case "financial_relations":
                chosen = (
                    "SELECT r, lead AS d, updated_at, started FROM persons"
                    f" WHERE kind = '{kind}' AND has_open AND status <> 'E'"
                )
            case "qualifications":
                row = f"SELECT r, true AS own, updated_at AS moment FROM {found.joined or found.dated_by[0]}"
                row += "".join(f" UNION ALL SELECT r, false, NULL FROM {item.table}" for item in found.lists)
                chosen = (
                    "SELECT r, lead AS d, updated_at, started FROM persons p JOIN (SELECT r, bool_or(own) AS own,"
                    f" max(moment) AS moment FROM ({row}) GROUP BY r) q USING (r)"
                    f" WHERE kind = '{kind}' AND (status <> 'E' OR NOT has_open)"
                    " QUALIFY row_number() OVER (PARTITION BY lead ORDER BY p.updated_at DESC NULLS LAST,"
                    " CASE WHEN own THEN coalesce(moment, p.updated_at) END DESC NULLS LAST, r) = 1"
                )
        self._make("scope", chosen)
        dated = " UNION ALL ".join(f"SELECT r, updated_at FROM {table}" for table in found.dated_by)
        self._make(
            "dates",
            "SELECT d, utc_text(coalesce(max(coalesce(t.updated_at, s.updated_at)) FILTER (t.r IS NOT NULL),"
            " max(s.updated_at))) AS document_updated, utc_text(min(started)) AS started_at"
            f" FROM scope s LEFT JOIN ({dated}) t USING (r) GROUP BY d",
        )

    def _joined(self, found: Plan) -> str:
        """Return the query of what the root needs beside its dates: one row for each document."""
        if not found.joined:
            return "SELECT d FROM dates"
        if found.structure.subject == "financial_relations":
            text = "products_services_type_additional_info"
            return (
                f"SELECT s.d, t.{text} FROM scope s JOIN {found.joined} t USING (r) WHERE t.{text} IS NOT NULL"
                " QUALIFY row_number() OVER (PARTITION BY s.d ORDER BY s.updated_at DESC NULLS LAST, r) = 1"
            )
        return f"SELECT s.d, t.* EXCLUDE (r, line, updated_at) FROM scope s JOIN {found.joined} t USING (r)"

    def _structure(self, found: Plan) -> None:
        self._scope(found)
        for item in found.lists:
            self._list(found, item)
        name = found.structure.name
        top = found.lists_of(ROOT)
        joins = "".join(f" LEFT JOIN {_made(item)} USING (d)" for item in top)
        mapped = (
            "SELECT d, c.customer_id, c.core_key, c.tax_id, document_updated, "
            f"{', '.join(self._root_value(found, xpath) for xpath in found.leaves)}"
            f"{''.join(f', {_inner(item)}' for item in top)}"
            " FROM (SELECT dates.d, x.* EXCLUDE (d), c.brand_name, c.tax_id, c.customer_id, dates.* EXCLUDE (d) FROM dates"
            f" LEFT JOIN ({self._joined(found)}) x USING (d) JOIN customers c ON c.r = dates.d) t"
        )
        inner_bad = "".join(f' OR coalesce("bad {item.path}", false)' for item in top)
        bad = f"(NOT ({' AND '.join(failed(found.checks))})){inner_bad}"
        self._make("mapped", f"{mapped} JOIN customers c ON c.r = t.d{joins}")
        self._make(
            "made",
            f"SELECT '{name}' AS structure, customer_id, core_key, tax_id, document_updated AS update_date_time,"
            f" {self.nest.document(found)} AS document, {bad} AS bad FROM mapped",
        )
        self._tell(name, found.checks, "SELECT * FROM mapped")

    def _root_value(self, found: Plan, xpath: str) -> str:
        expression = value(found.structure.name, xpath, self.words)
        if xpath == NOTE:
            expression = f"CASE WHEN has_others THEN {expression} END"
        return f'{expression} AS "{xpath}"'

    def _list(self, found: Plan, item: List) -> None:
        """Map, check and nest one list: a row per document, or per element of the list around it."""
        name, person = found.structure.name, found.structure.subject == "financial_relations"
        order = "r * 4294967296 + line" if person else "line"
        values = [f'{value(name, xpath, self.words)} AS "{xpath}"' for xpath in item.leaves]
        own = f"t.{item.belongs_to[0]} AS k" if item.belongs_to else "0 AS k"
        mapped = f"SELECT s.d, {order} AS place, {own}, {', '.join(values)}"
        inside = found.lists_of(item.path)
        mapped += f" FROM {item.table} t JOIN scope s USING (r) WHERE {SENT.get(item.table, 'true').format(since=self.since)}"
        for child in inside:
            above = item.leaves[0]
            mapped = (
                f'SELECT m.*, c.n AS "n {child.path}", coalesce(c.bad, false) AS inner_bad, c.items AS "{child.path}"'
                f' FROM (SELECT *, row_number() OVER (PARTITION BY d, "{above}" ORDER BY place) AS again FROM ({mapped})) m'
                f' LEFT JOIN {_made(child)} c ON c.d = m.d AND c.k = m."{above}" AND m.again = 1'
            )
        bad = f"NOT ({' AND '.join(failed(item.checks))})" + (" OR inner_bad" if inside else "")
        judged = f"SELECT d, k, place, {bad} AS bad, {self.nest.item(found, item)} AS item FROM ({mapped})"
        if person:
            judged = f"SELECT d, k, min(place) AS place, bool_or(bad) AS bad, item FROM ({judged}) GROUP BY d, k, item"
        more = ""
        if item.path == PRODUCTS:
            more = (
                f", bool_or({self.nest.is_text('OUTROS')}) AS has_others"
                f", bool_and({self.nest.is_text(ONLY_PAYROLL)}) AS only_payroll"
            )
        self._make(
            _made(item),
            f"SELECT d, k, count(*) AS n, bool_or(bad) AS bad, {self.nest.gathered} AS items{more}"
            f" FROM ({judged}) GROUP BY d, k",
        )
        self._tell(name, item.checks, mapped)

    def _tell(self, structure: str, checks: tuple[Check, ...], mapped: str) -> None:
        """Write the key and the rule of every value that fails."""
        good = failed(checks)
        if not good:
            return
        rules = ", ".join(
            f"CASE WHEN NOT {test} THEN '{check.rule}' END" for test, check in zip(good, checks, strict=True)
        )
        self.db.execute(
            f"INSERT INTO failing SELECT '{structure}', core_key, rule FROM (SELECT d, unnest(list_filter([{rules}],"
            f" lambda x: x IS NOT NULL)) AS rule FROM ({mapped}) WHERE NOT ({' AND '.join(good)})) f"
            " JOIN (SELECT r, core_key FROM customers) c ON c.r = f.d"
        )


def _inner(item: List) -> str:
    """Return the columns that a list brings to the root: its text, how many elements, whether one is bad."""
    made, unless = _made(item), ""
    if item.path == LINKS:
        unless = "CASE WHEN NOT coalesce(only_payroll, false) THEN "
    end = " END" if unless else ""
    return ", ".join(
        f'{unless}{made}.{column}{end} AS "{alias}{item.path}"'
        for column, alias in (("n", "n "), ("bad", "bad "), ("items", ""))
    )


def _made(item: List) -> str:
    return "made_" + item.path.removeprefix("/data/").replace("/", "_")


def main() -> None:
    """Run over one export."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--export", type=Path, required=True)
    parser.add_argument("--database", required=True)
    parser.add_argument("--day", type=date.fromisoformat, required=True)
    parser.add_argument("--nest", choices=sorted(NESTS), required=True)
    said = parser.parse_args()
    with target(said.database) as into:
        Rival(said.export, NESTS[said.nest](), said.day).run(into)


if __name__ == "__main__":
    main()
