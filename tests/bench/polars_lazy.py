"""P3: the export in Polars, one lazy query per list, documents by concat_str, then COPY."""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from customers.blocks import ROOT
from customers.structures import STRUCTURES
from mappings.personal_financial_relations import five_years_before
from mappings.profile import TABLES
from tests.bench.loading import FAILING, SCHEMA, Target, blocks_of, target
from tests.bench.plan import CORE, LINKS, NOTE, ONLY_PAYROLL, PRODUCTS, plan, sources, value
from tests.bench.polars_words import (
    ColumnWords,
    good,
    item_text,
    moment_text,
    object_text,
    padded,
    read_column,
)

if TYPE_CHECKING:
    from tests.bench.plan import Check, List, Plan

_PLACE = 1 << 32


class Rival:
    """One run."""

    def __init__(self, export: Path, day: date) -> None:
        self.export = export
        self.words = ColumnWords()
        self.staged: dict[str, pl.DataFrame] = {}
        self.failing: list[pl.DataFrame] = []
        self.made: dict[str, pl.DataFrame] = {}
        since = five_years_before(day).isoformat()
        partner = (pl.col("type") == "SOCIO") & (pl.col("share_percent").cast(pl.Decimal(38, 8)) < 25)
        in_force = pl.col("status").ne_missing("E")
        self.sent = {
            "products": in_force,
            "accounts": in_force,
            "parties": ~partner.fill_null(value=False),
            "portabilities_received": ~(pl.col("portability_approval_date") < since).fill_null(value=False),
        }

    def run(self, into: Target) -> None:
        """Stage, then map, check, nest and load one structure after the other."""
        self._registers()
        for table in TABLES:
            if table != "customers":
                self._stage(table)
        for structure in STRUCTURES:
            into.load("documents", blocks_of(self._structure(plan(structure.name)).to_arrow()))
        if self.failing:
            into.load("failing", blocks_of(pl.concat(self.failing).select(FAILING.names).to_arrow()))

    def _read(self, table: str) -> pl.LazyFrame:
        raw = sources()[table]
        path = self.export / f"{raw.name}.parquet"
        native = path.exists()
        if native:
            frame = pl.scan_parquet(path)
        else:
            csv = self.export / f"{raw.name}.csv"
            frame = pl.read_csv(csv, separator=";", encoding=CORE.encoding, infer_schema=False).lazy()
        columns = {name: read_column(source, native=native) for name, source in raw.columns.items()}
        columns |= {
            name: moment_text(columns[name])
            for name in ("incorporation_date", "start_date")
            if name in columns
        }
        key = pl.col(CORE.key).str.strip_chars().alias("core_key")
        return frame.select(key, *(expression.alias(name) for name, expression in columns.items()))

    def _registers(self) -> None:
        company = pl.col("person_kind") == "J"
        tax_id = pl.when(company).then(padded(pl.col("tax_id"), 14)).otherwise(padded(pl.col("tax_id"), 11))
        person = pl.concat_str("person_kind", pl.coalesce("tax_id", pl.concat_str(pl.lit("@"), "core_key")))
        found = (
            self._read("customers")
            .with_columns(
                tax_id.alias("tax_id"), pl.min_horizontal("start_in_3040", "start_in_ccs").alias("started")
            )
            .join(pl.scan_parquet(self.export / "_ids.parquet"), on="core_key")
            .sort("core_key")
            .with_row_index("r")
            .with_columns(pl.col("r").cast(pl.Int64))
            .with_columns(person.alias("person"))
            .with_columns(
                pl.col("r").min().over("person").alias("lead"),
                (pl.col("status") != "E").any().over("person").alias("has_open"),
            )
        )
        self.customers = found.collect()

    def _stage(self, table: str) -> None:
        keys = self.customers.lazy().select("core_key", "r")
        rows = self._read(table).with_row_index("line").with_columns(pl.col("line").cast(pl.Int64))
        self.staged[table] = rows.join(keys, on="core_key", maintain_order="left").drop("core_key").collect()

    def _scope(self, found: Plan) -> pl.DataFrame:
        """Return which register (r) feeds which document (d)."""
        persons = self.customers.lazy().filter(pl.col("person_kind") == found.structure.kind)
        columns = ("r", pl.col("lead").alias("d"), "updated_at", "started")
        match found.structure.subject:
            case "identifications":
                return persons.select("r", pl.col("r").alias("d"), "updated_at", "started").collect()
            case "financial_relations":
                return (
                    persons.filter(pl.col("has_open") & (pl.col("status") != "E")).select(columns).collect()
                )
            case "qualifications":
                own = (
                    self.staged[found.joined or found.dated_by[0]]
                    .lazy()
                    .select("r", moment="updated_at", own=True)
                )
                rest = [self.staged[item.table].lazy().select("r").unique() for item in found.lists]
                rows = (
                    pl.concat([own, *rest], how="diagonal")
                    .group_by("r")
                    .agg(pl.col("moment").max(), pl.col("own").any())
                )
                row_time = pl.when(pl.col("own").fill_null(value=False)).then(
                    pl.coalesce("moment", "updated_at")
                )
                return (
                    persons.filter((pl.col("status") != "E") | ~pl.col("has_open"))
                    .join(rows, on="r")
                    .with_columns(row_time.alias("row_time"))
                    .sort("updated_at", "row_time", "r", descending=[True, True, False], nulls_last=True)
                    .unique("person", keep="first", maintain_order=True)
                    .select(columns)
                    .collect()
                )

    def _dates(self, found: Plan, scope: pl.DataFrame) -> pl.LazyFrame:
        keys = scope.lazy()
        rows = pl.concat(
            [self.staged[table].lazy().select("r", own="updated_at") for table in found.dated_by]
        )
        latest = (
            rows.join(keys, on="r").group_by("d").agg(pl.coalesce("own", "updated_at").max().alias("latest"))
        )
        spare = keys.group_by("d").agg(pl.col("updated_at").max(), pl.col("started").min())
        return spare.join(latest, on="d", how="left").select(
            "d",
            moment_text(pl.coalesce("latest", "updated_at")).alias("document_updated"),
            moment_text(pl.col("started")).alias("started_at"),
        )

    def _structure(self, found: Plan) -> pl.DataFrame:
        scope = self._scope(found)
        for item in found.lists:
            self._list(found, item, scope)
        leads = self.customers.lazy().select(
            pl.col("r").alias("d"), "core_key", "customer_id", "tax_id", "brand_name"
        )
        root = self._dates(found, scope).join(leads, on="d")
        if found.joined:
            root = root.join(self._joined(found, scope), on="d", how="left")
        top = found.lists_of(ROOT)
        for item in top:
            root = root.join(self.made[item.path].lazy(), on="d", how="left")
        values = {xpath: value(found.structure.name, xpath, self.words) for xpath in found.leaves}
        if NOTE in values:
            values[NOTE] = pl.when(pl.col("has_others")).then(values[NOTE])
        if LINKS in {item.path for item in top}:
            dropped = pl.col("only_payroll").fill_null(value=False)
            links = (LINKS, f"n {LINKS}", f"bad {LINKS}")
            values |= {name: pl.when(~dropped).then(pl.col(name)) for name in links}
        mapped = root.with_columns(**values)
        inner = [pl.col(f"bad {item.path}").fill_null(value=False) for item in top]
        tests = [good(check) for check in found.checks]
        made = (
            mapped.with_columns(
                structure=pl.lit(found.structure.name),
                document=object_text(found, ROOT),
                update_date_time=pl.col("document_updated"),
                own_bad=~pl.all_horizontal(tests),
            )
            .with_columns(bad=pl.any_horizontal("own_bad", *inner))
            .collect()
        )
        self._tell(found, found.checks, made)
        return made.filter(~pl.col("bad")).select(SCHEMA.names)

    def _joined(self, found: Plan, scope: pl.DataFrame) -> pl.LazyFrame:
        """Return what the root needs beside its dates: at most one row for each document."""
        rows = (
            self.staged[found.joined].lazy().drop("line").rename({"updated_at": "row_updated"}, strict=False)
        )
        rows = rows.join(scope.lazy(), on="r")
        if found.structure.subject == "financial_relations":
            text = "products_services_type_additional_info"
            rows = (
                rows.filter(pl.col(text).is_not_null())
                .sort("updated_at", "r", descending=[True, False], nulls_last=True)
                .unique("d", keep="first", maintain_order=True)
                .select("d", text)
            )
        return rows.drop("r", "updated_at", "started", strict=False)

    def _list(self, found: Plan, item: List, scope: pl.DataFrame) -> None:
        """Map, check and nest one list: a row per document, or per element of the list around it."""
        name, person = found.structure.name, found.structure.subject == "financial_relations"
        rows = self.staged[item.table].lazy().filter(self.sent.get(item.table, pl.lit(value=True)))
        rows = rows.join(scope.lazy().select("r", "d"), on="r", maintain_order="left")
        if person:
            rows = rows.sort(pl.col("r") * _PLACE + pl.col("line"))
        keys = [pl.col("d")]
        if item.belongs_to:
            keys.append(pl.col(item.belongs_to[0]).alias("k"))
        mapped = rows.select(*keys, *(value(name, xpath, self.words).alias(xpath) for xpath in item.leaves))
        bad = ~pl.all_horizontal([good(check) for check in item.checks] or [pl.lit(value=True)])
        for child in found.lists_of(item.path):
            above = item.leaves[0]
            mapped = mapped.with_columns(again=pl.int_range(pl.len()).over("d", above)).join(
                self.made[child.path].lazy().with_columns(again=pl.lit(0, pl.Int64)),
                left_on=["d", above, "again"],
                right_on=["d", "k", "again"],
                how="left",
                maintain_order="left",
            )
            bad |= pl.col(f"bad {child.path}").fill_null(value=False)
        by = ["d", "k"] if item.belongs_to else ["d"]
        judged = mapped.select(*by, bad=bad, item=item_text(found, item)).collect()
        if judged["bad"].any():
            self._tell(found, item.checks, mapped.with_columns(own_bad=bad).collect())
        lazy = judged.lazy()
        if person:
            lazy = lazy.unique(["d", "item"], keep="first", maintain_order=True)
        found_flags = {}
        if item.path == PRODUCTS:
            found_flags = {
                "has_others": (pl.col("item") == '"OUTROS"').any(),
                "only_payroll": (pl.col("item") == f'"{ONLY_PAYROLL}"').all(),
            }
        text = pl.concat_str(pl.lit("["), pl.col("item").str.join(","), pl.lit("]"))
        counted = {f"n {item.path}": pl.len(), f"bad {item.path}": pl.col("bad").any(), item.path: text}
        self.made[item.path] = lazy.group_by(by).agg(**counted, **found_flags).collect()

    def _tell(self, found: Plan, checks: tuple[Check, ...], judged: pl.DataFrame) -> None:
        """Write the key and the rule of every value that fails."""
        wrong = judged.filter(pl.col("own_bad")).lazy()
        keys = self.customers.lazy().select(pl.col("r").alias("d"), "core_key")
        rules = [pl.when(~good(check)).then(pl.lit(check.rule)) for check in checks]
        if not rules or judged.is_empty():
            return
        told = wrong.select("d", rule=pl.concat_list(rules)).explode("rule").drop_nulls().join(keys, on="d")
        self.failing.append(
            told.with_columns(structure=pl.lit(found.structure.name)).select(FAILING.names).collect()
        )


def main() -> None:
    """Run over one export."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--export", type=Path, required=True)
    parser.add_argument("--database", required=True)
    parser.add_argument("--day", type=date.fromisoformat, required=True)
    said = parser.parse_args()
    with target(said.database) as into:
        Rival(said.export, said.day).run(into)


if __name__ == "__main__":
    main()
