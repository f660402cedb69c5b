"""P1: by the book: pandas merge and groupby, Great Expectations' built-ins, pydantic, an upsert of SQLAlchemy."""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from sqlalchemy import Column, MetaData, Table, Text, create_engine
from sqlalchemy.dialects import postgresql, sqlite

from customers.blocks import ROOT
from customers.structures import STRUCTURES
from mappings.personal_financial_relations import five_years_before
from mappings.profile import TABLES
from tests.bench.book_models import failing, model
from tests.bench.book_words import FrameWords, moment_text, read_column
from tests.bench.plan import CORE, LINKS, NOTE, ONLY_PAYROLL, PRODUCTS, plan, sources, value

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from customers.dictionary import Field
    from tests.bench.plan import Check, List, Plan

_ROWS = 10_000
_METADATA = MetaData()
_DOCUMENTS = Table(
    "documents",
    _METADATA,
    Column("structure", Text, primary_key=True),
    Column("customer_id", Text, primary_key=True),
    Column("core_key", Text, nullable=False),
    Column("tax_id", Text),
    Column("update_date_time", Text, nullable=False),
    Column("document", Text, nullable=False),
)
_FAILING = Table(
    "failing", _METADATA, *(Column(name, Text, nullable=False) for name in ("structure", "core_key", "rule"))
)


class Rival:
    """One run."""

    def __init__(self, export: Path, day: date) -> None:
        self.export, self.since = export, five_years_before(day).isoformat()
        self.staged: dict[str, pd.DataFrame] = {}
        self.made: dict[str, pd.DataFrame] = {}
        self.bad: set[int] = set()
        self.failing: list[dict[str, str]] = []

    def run(self, connection: Connection) -> None:
        """Stage, then map, check, nest and load one structure after the other."""
        self._registers()
        for table in TABLES:
            if table != "customers":
                rows = self._read(table).reset_index(names="line")
                self.staged[table] = rows.merge(self.customers[["core_key", "r"]], on="core_key").drop(
                    columns="core_key"
                )
        for structure in STRUCTURES:
            self._upsert(connection, self._structure(plan(structure.name)))
        if self.failing:
            connection.execute(_FAILING.insert(), self.failing)

    def _upsert(self, connection: Connection, rows: list[dict[str, Any]]) -> None:
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        statement = dialect.insert(_DOCUMENTS)
        changed = {
            name: statement.excluded[name] for name in ("core_key", "tax_id", "update_date_time", "document")
        }
        statement = statement.on_conflict_do_update(index_elements=["structure", "customer_id"], set_=changed)
        for start in range(0, len(rows), _ROWS):
            connection.execute(statement, rows[start : start + _ROWS])

    def _read(self, table: str) -> pd.DataFrame:
        raw = sources()[table]
        path = self.export / f"{raw.name}.parquet"
        if path.exists():
            frame = pd.read_parquet(path)
        else:
            csv = self.export / f"{raw.name}.csv"
            frame = pd.read_csv(
                csv, sep=";", dtype="str", encoding=CORE.encoding, keep_default_na=False, na_values=[""]
            )
        columns = {name: read_column(frame[source.column], source) for name, source in raw.columns.items()}
        columns |= {
            name: moment_text(columns[name])
            for name in ("incorporation_date", "start_date")
            if name in columns
        }
        return pd.DataFrame({"core_key": frame[CORE.key].str.strip(), **columns})

    def _registers(self) -> None:
        found = self._read("customers").merge(pd.read_parquet(self.export / "_ids.parquet"), on="core_key")
        company = found["person_kind"] == "J"
        found["tax_id"] = found["tax_id"].str.zfill(14).where(company, found["tax_id"].str.zfill(11))
        found["started"] = found[["start_in_3040", "start_in_ccs"]].min(axis=1)
        found = found.sort_values("core_key", ignore_index=True).reset_index(names="r")
        found["person"] = found["person_kind"] + found["tax_id"].fillna("@" + found["core_key"])
        found["is_open"] = found["status"] != "E"
        persons = found.groupby("person")
        found["lead"] = persons["r"].transform("min")
        found["has_open"] = persons["is_open"].transform("max")
        self.customers = found

    def _scope(self, found: Plan) -> pd.DataFrame:
        """Return which register (r) feeds which document (d)."""
        persons = self.customers[self.customers["person_kind"] == found.structure.kind]
        match found.structure.subject:
            case "identifications":
                chosen = persons.assign(d=persons["r"])
            case "financial_relations":
                chosen = persons[persons["has_open"] & persons["is_open"]].assign(d=lambda rows: rows["lead"])
            case "qualifications":
                own = self.staged[found.joined or found.dated_by[0]][["r", "updated_at"]].rename(
                    columns={"updated_at": "moment"}
                )
                own["own"] = True
                rest = [
                    self.staged[item.table][["r"]].drop_duplicates().assign(own=False) for item in found.lists
                ]
                rows = (
                    pd.concat([own, *rest])
                    .groupby("r")
                    .agg(moment=("moment", "max"), own=("own", "max"))
                    .reset_index()
                )
                chosen = persons[persons["is_open"] | ~persons["has_open"]].merge(rows, on="r")
                chosen["row_time"] = (
                    chosen["moment"].fillna(chosen["updated_at"]).where(chosen["own"].astype(bool))
                )
                order = ["updated_at", "row_time", "r"]
                chosen = chosen.sort_values(order, ascending=[False, False, True]).drop_duplicates("person")
                chosen = chosen.assign(d=lambda rows: rows["lead"])
        return chosen[["r", "d", "updated_at", "started"]]

    def _dates(self, found: Plan, scope: pd.DataFrame) -> pd.DataFrame:
        rows = pd.concat([self.staged[table][["r", "updated_at"]] for table in found.dated_by])
        rows = rows.rename(columns={"updated_at": "own"}).merge(scope, on="r")
        latest = rows.assign(own=rows["own"].fillna(rows["updated_at"])).groupby("d")["own"].max()
        spare = scope.groupby("d").agg(updated=("updated_at", "max"), started=("started", "min"))
        return pd.DataFrame(
            {
                "document_updated": moment_text(latest.reindex(spare.index).fillna(spare["updated"])),
                "started_at": moment_text(spare["started"]),
            }
        ).reset_index()

    def _structure(self, found: Plan) -> list[dict[str, Any]]:
        scope = self._scope(found)
        self.bad = set()
        for item in found.lists:
            self._list(found, item, scope)
        leads = self.customers[["r", "core_key", "customer_id", "tax_id", "brand_name"]].rename(
            columns={"r": "d"}
        )
        root = self._dates(found, scope).merge(leads, on="d")
        if found.joined:
            root = root.merge(self._joined(found, scope), on="d", how="left")
        top = found.lists_of(ROOT)
        for item in top:
            root = root.merge(self.made[item.path], on="d", how="left")
            root[f"n {item.path}"] = root[f"n {item.path}"].fillna(0)
        words = FrameWords(root)
        columns = {xpath: value(found.structure.name, xpath, words) for xpath in found.leaves}
        if NOTE in columns:
            columns[NOTE] = columns[NOTE].where(root["has_others"].fillna(value=False).astype(bool))
        if LINKS in {item.path for item in top}:
            root[LINKS] = root[LINKS].mask(root["only_payroll"].fillna(value=False).astype(bool))
        mapped = root.assign(**columns)
        self._judge(found, mapped, found.checks)
        kept = mapped[~mapped["d"].isin(self.bad)] if self.bad else mapped
        make = model(found.structure.name)
        texts = [
            make.model_validate(document).model_dump_json(exclude_none=True)
            for document in _objects(found, ROOT, kept)
        ]
        served = kept[["customer_id", "core_key", "tax_id", "document_updated"]].rename(
            columns={"document_updated": "update_date_time"}
        )
        served = served.assign(structure=found.structure.name, document=texts).astype(object)
        records: list[dict[str, Any]] = served.where(served.notna(), None).to_dict("records")  # type: ignore[assignment]
        return records

    def _joined(self, found: Plan, scope: pd.DataFrame) -> pd.DataFrame:
        """Return what the root needs beside its dates: at most one row for each document."""
        if found.structure.subject == "financial_relations":
            text = "products_services_type_additional_info"
            rows = self.staged[found.joined][["r", text]].dropna(subset=text).merge(scope, on="r")
            return rows.sort_values(["updated_at", "r"], ascending=[False, True]).drop_duplicates("d")[
                ["d", text]
            ]
        rows = self.staged[found.joined].drop(columns=["line", "updated_at"])
        return rows.merge(scope[["r", "d"]], on="r").drop(columns="r")

    def _sent(self, table: str) -> pd.DataFrame:
        rows = self.staged[table]
        match table:
            case "products" | "accounts":
                return rows[rows["status"] != "E"]
            case "parties":
                return rows[~((rows["type"] == "SOCIO") & (rows["share_percent"].astype(float) < 25))]
            case "portabilities_received":
                return rows[~(rows["portability_approval_date"] < self.since)]
            case _:
                return rows

    def _list(self, found: Plan, item: List, scope: pd.DataFrame) -> None:
        """Map, check and nest one list: a row per document, or per element of the list around it."""
        name = found.structure.name
        rows = (
            self._sent(item.table)
            .merge(scope[["r", "d"]], on="r")
            .sort_values(["d", "r", "line"], ignore_index=True)
        )
        by = ["d"]
        if item.belongs_to:
            rows["k"] = rows[item.belongs_to[0]]
            by = ["d", "k"]
        words = FrameWords(rows)
        mapped = pd.DataFrame({**rows[by], **{xpath: value(name, xpath, words) for xpath in item.leaves}})
        if found.structure.subject == "financial_relations":
            mapped = mapped.drop_duplicates(ignore_index=True)
        for child in found.lists_of(item.path):
            above = item.leaves[0]
            again = mapped.groupby(["d", above]).cumcount()
            made = self.made[child.path].rename(columns={"k": above}).assign(again=0)
            mapped = mapped.assign(again=again).merge(made, on=["d", above, "again"], how="left")
            mapped[f"n {child.path}"] = mapped[f"n {child.path}"].fillna(0)
        self._judge(found, mapped, item.checks)
        items = (
            mapped[item.path]
            if item.scalar
            else pd.Series(_objects(found, item.path, mapped), index=mapped.index)
        )
        grouped = mapped[by].assign(item=items.astype(object)).groupby(by)["item"]
        made = grouped.agg(list).rename(item.path).to_frame().assign(**{f"n {item.path}": grouped.size()})
        if item.path == PRODUCTS:
            flags = mapped.assign(others=items == "OUTROS", payroll=items == ONLY_PAYROLL).groupby(by)
            made = made.assign(has_others=flags["others"].any(), only_payroll=flags["payroll"].all())
        self.made[item.path] = made.reset_index()

    def _judge(self, found: Plan, mapped: pd.DataFrame, checks: tuple[Check, ...]) -> None:
        """Note the documents that fail, and the key and the rule of every value that does."""
        for rule, positions in failing(mapped, checks).items():
            documents = mapped["d"].iloc[positions]
            self.bad |= set(documents)
            keys = self.customers["core_key"].iloc[documents]
            self.failing += [
                {"structure": found.structure.name, "core_key": key, "rule": rule} for key in keys
            ]


def _objects(found: Plan, path: str, frame: pd.DataFrame) -> list[Any]:
    """Return a dict for each row of a block."""
    fields = found.children(path)
    columns = [_values(found, field, frame) for field in fields]
    names = [field.name for field in fields]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _values(found: Plan, field: Field, frame: pd.DataFrame) -> list[Any]:
    if field.type == "object":
        inner = _objects(found, field.xpath, frame)
        if found.is_always_sent(field):
            return inner
        some = frame[list(found.leaves_below(field.xpath))].notna().any(axis=1)
        return [item if there else None for item, there in zip(inner, some, strict=True)]
    column = frame[field.xpath].astype(object)
    column = column.where(column.notna(), None)
    if field.type == "array" and field.obligation == "required":
        return [[] if item is None else item for item in column]
    return column.tolist()


def main() -> None:
    """Run over one export."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--export", type=Path, required=True)
    parser.add_argument("--database", required=True)
    parser.add_argument("--day", type=date.fromisoformat, required=True)
    said = parser.parse_args()
    engine = create_engine(said.database.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        _METADATA.create_all(connection)
        Rival(said.export, said.day).run(connection)


if __name__ == "__main__":
    main()
