"""The invented export: its bytes, its control file, its dirt, its truth, its delta."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import json
import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from mappings.cores.reference.sample import write_sample
from mappings.cores.reference.sample.kinds import PROSE_KINDS, SCHEMA_KINDS
from mappings.cores.reference.sample.layout import COLUMNS, KEY, native_type
from mappings.cores.reference.sample.places import TOWNS

if TYPE_CHECKING:
    from pathlib import Path

DATE = dt.date(2026, 11, 20)
CUSTOMERS = 600
FILLERS = ("N/A", "NA", "NAO INFORMADO", "00/00/0000", "01/01/0001")

Record = dict[str, str]


def records(folder: Path, table: str) -> list[Record]:
    with (folder / f"{table}.csv").open(encoding="cp1252", newline="") as file:
        return list(csv.DictReader(file, delimiter=";", strict=True))


def control(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "_controle.json").read_text(encoding="utf-8"))
    return content


def truth(folder: Path) -> list[list[str]]:
    lines = (folder / "_verdade.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "cod_cliente;structure;rule"
    return [line.split(";") for line in lines[1:]]


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def digits(text: str) -> str:
    return re.sub("[^0-9]", "", text)


def check_digits(number: str, weights: range | tuple[int, ...]) -> bool:
    """Say whether the last two digits follow from the others; ``weights`` are those of the second one."""
    for end, used in ((len(number) - 2, weights[1:]), (len(number) - 1, weights)):
        rest = sum(int(digit) * weight for digit, weight in zip(number[:end], used, strict=True)) % 11
        if int(number[end]) != (0 if rest < 2 else 11 - rest):
            return False
    return True


def valid(number: str) -> bool:
    if len(number) == 11:
        return check_digits(number, range(11, 1, -1))
    return check_digits(number, (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2))


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("good")
    write_sample(folder, customers=CUSTOMERS, seed=3, date=DATE)
    return folder


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("spoilt")
    write_sample(folder, customers=CUSTOMERS, seed=3, bad=0.1, date=DATE)
    return folder


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_same_arguments_same_bytes(tmp_path: Path, kind: str) -> None:
    for name, seed in (("one", 5), ("two", 5), ("other", 6)):
        write_sample(tmp_path / name, customers=80, seed=seed, bad=0.2, date=DATE, format=kind)  # type: ignore[arg-type]
    assert digests(tmp_path / "one") == digests(tmp_path / "two")
    assert digests(tmp_path / "one") != digests(tmp_path / "other")


@pytest.mark.parametrize("customers", [1, 2, 3, 40])
def test_any_size_works(tmp_path: Path, customers: int) -> None:
    summary = write_sample(tmp_path, customers=customers, seed=0, bad=1.0, date=dt.date(2012, 2, 29))
    assert len({row[KEY] for row in records(tmp_path, "clientes")}) == customers
    assert summary.bad_registers <= customers


def test_the_control_file_says_what_the_files_hold(good: Path) -> None:
    said = control(good)
    assert said["business_date"] == "2026-11-20"
    assert said["kind"] == "full"
    assert said["generated_at"] == "2026-11-20T23:00:00-03:00"
    assert set(said["tables"]) == {path.stem for path in good.iterdir() if not path.name.startswith("_")}
    for table, entry in said["tables"].items():
        assert entry["sha256"] == hashlib.sha256((good / f"{table}.csv").read_bytes()).hexdigest()
        assert entry["rows"] == len(records(good, table))


def test_every_table_has_the_columns_of_the_layout_and_rows(good: Path) -> None:
    for table, columns in COLUMNS.items():
        rows = records(good, table)
        assert rows, table
        assert list(rows[0]) == [KEY, *columns]
        assert all(len(row) == len(columns) + 1 for row in rows)


def test_lines_end_with_crlf_and_quotes_stand_only_where_needed(good: Path) -> None:
    for table in COLUMNS:
        content = (good / f"{table}.csv").read_bytes()
        assert content.endswith(b"\r\n")
        assert b"\n" not in content.replace(b"\r\n", b"")
        for field in re.findall(r'(?:^|;|\n)"((?:[^"]|"")*)"', content.decode("cp1252")):
            assert re.search('[;"\r\n]', field), table


def test_shares_are_plausible(good: Path) -> None:
    customers = records(good, "clientes")
    kinds = Counter(row["tipo_pessoa"] for row in customers)
    states = Counter(row["situacao"] for row in customers)
    tax_ids = Counter(digits(row["cpf_cnpj"]).lstrip("0") for row in customers)
    assert sum(kinds.values()) == CUSTOMERS
    assert 0.08 < kinds["J"] / CUSTOMERS < 0.22
    assert states["A"] > 0.9 * CUSTOMERS
    assert states["B"] + states["E"] > 0
    assert 5 <= sum(1 for number, count in tax_ids.items() if number and count > 1) <= 20
    assert tax_ids[""] > 0
    assert len({row[KEY] for row in customers}) == CUSTOMERS


def test_details_belong_to_their_kind_of_person(good: Path) -> None:
    kind = {row[KEY]: row["tipo_pessoa"] for row in records(good, "clientes")}
    for table, who in (("pessoas_fisicas", "F"), ("pessoas_juridicas", "J")):
        assert sorted(row[KEY] for row in records(good, table)) == sorted(
            key for key in kind if kind[key] == who
        )
    for table in ("filiacao", "nacionalidades", "qualificacoes_pf", "portabilidades", "vinculos_folha"):
        assert {kind[row[KEY]] for row in records(good, table)} == {"F"}
    for table in ("socios", "qualificacoes_pj", "atividades_economicas"):
        assert {kind[row[KEY]] for row in records(good, table)} == {"J"}


def test_document_numbers_have_valid_check_digits_and_no_key_holds_one(good: Path) -> None:
    for row in records(good, "clientes"):
        number = digits(row["cpf_cnpj"]).lstrip("0")
        if number:
            assert valid(number.zfill(11 if row["tipo_pessoa"] == "F" else 14))
            assert number not in row[KEY]
    for row in records(good, "empresas_cadastro"):
        assert valid(digits(row["cnpj_empresa"]).zfill(14))
    for table, column in (("vinculos_folha", "doc_empregador"), ("representantes", "cpf_cnpj")):
        for row in records(good, table):
            number = digits(row[column])
            assert valid(number.zfill(11 if len(number) <= 11 else 14))


def test_shapes_and_dirt_are_all_there(good: Path) -> None:
    tax_ids = [row["cpf_cnpj"] for row in records(good, "clientes")]
    assert any("." in number for number in tax_ids)
    assert any(number.isdigit() and len(number) < 11 for number in tax_ids)
    everything = [value for table in COLUMNS for row in records(good, table) for value in row.values()]
    for filler in FILLERS:
        assert filler in everything
    assert any(value and not value.strip() for value in everything)
    assert any(value.startswith("  ") and value.strip() for value in everything)
    assert any(value.endswith("  ") and value.strip() for value in everything)
    assert any("\r\n" in value for value in everything)
    assert any(";" in value for value in everything)
    assert any('"' in value for value in everything)
    addresses = records(good, "enderecos")
    assert {mark for row in addresses for mark in ",." if mark in row["latitude"]} == {",", "."}
    assert any(row["tipo"] == "M" and row["desc_tipo"] for row in records(good, "telefones"))
    assert any(re.fullmatch(r"\d+,\d\d00", row["valor_renda"]) for row in records(good, "qualificacoes_pf"))


def test_the_corners_of_the_layout_are_there(good: Path) -> None:
    stamps = {row["dt_inicio_3040"] for row in records(good, "clientes")}
    stamps |= {
        row["ts_atualizacao"] for table in ("clientes", "pessoas_fisicas") for row in records(good, table)
    }
    skipped = {"15/10/2017 00:30:00", "04/11/2018 00:15:00", "05/11/2006 00:00:00", "03/10/1999 00:59:59"}
    repeated = {"17/02/2018 23:30:00", "16/02/2019 23:59:59", "24/02/2007 23:00:01", "26/02/2000 23:45:00"}
    assert skipped & stamps
    assert repeated & stamps
    assert any(int(row["dt_constituicao"][6:10]) < 1914 for row in records(good, "pessoas_juridicas"))
    shares = {row["pct_participacao"] for row in records(good, "socios")}
    assert {"24,9999996", "25,000000", "10,000000", "51,000000"} <= shares
    accounts = records(good, "contas")
    assert {(row["tipo"] == "PP", bool(row["agencia"])) for row in accounts} == {
        (True, True),
        (True, False),
        (False, True),
    }
    assert {row["situacao"] for row in accounts} == {"A", "E"}
    assert {row["situacao"] for row in records(good, "produtos")} == {"A", "E"}
    assert {row["subtipo"] for row in accounts} >= {"I", "S", "C"}
    dates = sorted(row["dt_aprovacao"][6:] for row in records(good, "portabilidades"))
    assert dates[0] < "2021" < dates[-1]


def test_joint_accounts_have_two_holders(good: Path) -> None:
    holders = defaultdict(set)
    for row in records(good, "contas"):
        if row["subtipo"] in {"S", "C"}:
            holders[row["numero"], row["digito"]].add(row[KEY])
    assert holders
    assert {len(keys) for keys in holders.values()} == {2}


def test_who_has_no_cpf_has_a_passport_and_a_nationality(good: Path) -> None:
    people = {row[KEY]: row for row in records(good, "pessoas_fisicas")}
    countries = {(row[KEY], row["pais"]) for row in records(good, "nacionalidades")}
    documented = {(row[KEY], row["pais"]) for row in records(good, "nacionalidade_documentos")}
    without = [
        row[KEY]
        for row in records(good, "clientes")
        if row["tipo_pessoa"] == "F" and not digits(row["cpf_cnpj"]).strip("0")
    ]
    assert without
    assert all(people[key]["passaporte_numero"] and people[key]["passaporte_pais"] for key in without)
    assert countries == documented
    foreign = {key for key, row in people.items() if row["ind_nac_brasileira"] == "N"}
    assert foreign < {key for key, _ in countries}


def test_accounts_and_products_agree(good: Path) -> None:
    product_of = {"CC": "01", "CP": "02", "PP": "03"}
    active = {(row[KEY], row["cod_produto"]) for row in records(good, "produtos") if row["situacao"] == "A"}
    held = {(row[KEY], product_of[row["tipo"]]) for row in records(good, "contas") if row["situacao"] == "A"}
    assert held == {(key, product) for key, product in active if product in product_of.values()}
    assert {key for key, _ in active} == {row[KEY] for row in records(good, "clientes")}


def test_towns_are_coherent(good: Path) -> None:
    # The seventh digit of an IBGE code follows from the others.
    for town in TOWNS:
        terms = [int(digit) * (1 + place % 2) for place, digit in enumerate(town.ibge[:6])]
        assert int(town.ibge[6]) == -sum(term // 10 + term % 10 for term in terms) % 10, town.name
    state = {town.ibge: town.uf for town in TOWNS}
    for row in records(good, "enderecos"):
        if row["cod_ibge"]:
            assert row["uf"] == state[row["cod_ibge"]]
            assert row["cod_pais"] == "BRA"


def test_a_good_sample_has_no_truth_to_tell(good: Path) -> None:
    assert truth(good) == []


def test_bad_registers_are_listed_and_the_others_are_those_of_the_good_sample(
    good: Path, spoilt: Path
) -> None:
    listed = {key for key, _, _ in truth(spoilt)}
    assert len(listed) == CUSTOMERS // 10
    known = {rule for kind in (*SCHEMA_KINDS, *PROSE_KINDS) for rule in kind.breaks}
    assert {(structure, rule) for _, structure, rule in truth(spoilt)} <= known
    changed = set()
    for table in COLUMNS:
        before = Counter(tuple(row.values()) for row in records(good, table))
        after = Counter(tuple(row.values()) for row in records(spoilt, table))
        changed |= {row[0] for row in (before - after) + (after - before)}
    assert changed == listed


def test_bad_registers_are_active_and_alone(spoilt: Path) -> None:
    listed = {key for key, _, _ in truth(spoilt)}
    customers = {row[KEY]: row for row in records(spoilt, "clientes")}
    assert {customers[key]["situacao"] for key in listed} == {"A"}
    holders = defaultdict(set)
    for key, row in customers.items():
        holders[digits(row["cpf_cnpj"]).lstrip("0")].add(key)
    repeated = {key for number, keys in holders.items() if number and len(keys) > 1 for key in keys}
    assert not repeated & listed


def test_every_kind_of_defect_is_used_when_there_is_room(tmp_path: Path) -> None:
    write_sample(tmp_path, customers=4000, seed=1, bad=0.4, date=DATE)
    told = {(structure, rule) for _, structure, rule in truth(tmp_path)}
    assert told == {rule for kind in (*SCHEMA_KINDS, *PROSE_KINDS) for rule in kind.breaks}


def test_kinds_have_a_name_each_and_cover_all_structures() -> None:
    kinds = (*SCHEMA_KINDS, *PROSE_KINDS)
    assert len({kind.name for kind in kinds}) == len(kinds)
    assert len({structure for kind in SCHEMA_KINDS for structure, _ in kind.breaks}) == 6
    assert len(SCHEMA_KINDS) >= 60
    assert all(kind.among.startswith(kind.kind) for kind in kinds)


def test_parquet_holds_native_values_and_the_same_rows(tmp_path: Path, good: Path) -> None:
    summary = write_sample(tmp_path, customers=CUSTOMERS, seed=3, date=DATE, format="parquet")
    for table, columns in COLUMNS.items():
        stored = pq.read_table(tmp_path / f"{table}.parquet")
        assert [field.type for field in stored.schema] == [native_type(name) for name in (KEY, *columns)]
        assert stored.num_rows == summary.rows[table] == len(records(good, table))
    births = pq.read_table(tmp_path / "pessoas_fisicas.parquet").column("dt_nascimento").to_pylist()
    assert [birth.strftime("%d/%m/%Y") for birth in births] == [
        row["dt_nascimento"] for row in records(good, "pessoas_fisicas")
    ]
    digest = hashlib.sha256((tmp_path / "contas.parquet").read_bytes()).hexdigest()
    assert control(tmp_path)["tables"]["contas"]["sha256"] == digest


def test_a_new_sample_replaces_the_tables_of_the_old_one(tmp_path: Path) -> None:
    write_sample(tmp_path, customers=5, seed=1, date=DATE, format="parquet")
    write_sample(tmp_path, customers=5, seed=1, date=DATE)
    assert not list(tmp_path.glob("*.parquet"))


def by_key(folder: Path, table: str) -> dict[str, list[Record]]:
    rows = defaultdict(list)
    for row in records(folder, table):
        rows[row[KEY]].append(row)
    return rows


def test_a_delta_brings_whole_persons_with_all_their_rows(tmp_path: Path, good: Path) -> None:
    tomorrow = DATE + dt.timedelta(days=1)
    write_sample(tmp_path, customers=CUSTOMERS, seed=9, date=tomorrow, delta_of=good, changed=0.3)
    assert control(tmp_path)["kind"] == "delta"
    old, new = by_key(good, "clientes"), by_key(tmp_path, "clientes")
    person = {key: digits(rows[0]["cpf_cnpj"]).lstrip("0") or key for key, rows in old.items()}
    chosen = {person[key] for key in new}
    assert len(chosen) == round(0.3 * len(set(person.values())))
    assert set(new) == {key for key in old if person[key] in chosen}
    for table in COLUMNS:
        before, after = by_key(good, table), by_key(tmp_path, table)
        assert {key: len(rows) for key, rows in after.items()} == {
            key: len(rows) for key, rows in before.items() if key in new
        }
    assert {rows[0]["ts_atualizacao"][:10] for rows in new.values()} == {"21/11/2026"}
    income, earlier = by_key(tmp_path, "qualificacoes_pf"), by_key(good, "qualificacoes_pf")
    earning = [key for key in income if earlier[key][0]["valor_renda"]]
    assert all(income[key][0]["valor_renda"] != earlier[key][0]["valor_renda"] for key in earning)


def test_a_delta_is_the_same_from_csv_and_from_parquet(tmp_path: Path, good: Path) -> None:
    write_sample(tmp_path / "native", customers=CUSTOMERS, seed=3, date=DATE, format="parquet")
    for name, source in (("a", good), ("b", good), ("c", tmp_path / "native")):
        write_sample(tmp_path / name, customers=1, seed=2, date=DATE, delta_of=source, changed=0.1)
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
    keys = [{row[KEY] for row in records(tmp_path / name, "clientes")} for name in ("a", "c")]
    assert keys[0] == keys[1]
    assert {table: len(records(tmp_path / "a", table)) for table in COLUMNS} == {
        table: len(records(tmp_path / "c", table)) for table in COLUMNS
    }


def test_what_was_bad_stays_bad_in_a_delta_and_more_can_be_spoilt(tmp_path: Path) -> None:
    spoilt = tmp_path / "spoilt"
    write_sample(spoilt, customers=CUSTOMERS, seed=3, bad=0.6, date=DATE)
    before = truth(spoilt)
    assert "X-DUPLICATE-KEY" in {rule for _, _, rule in before}
    assert len(records(spoilt, "clientes")) > CUSTOMERS
    write_sample(tmp_path / "all", customers=1, seed=2, date=DATE, delta_of=spoilt, changed=1.0)
    assert truth(tmp_path / "all") == before
    write_sample(tmp_path / "worse", customers=1, seed=2, bad=0.05, date=DATE, delta_of=spoilt, changed=1.0)
    after = truth(tmp_path / "worse")
    assert [line for line in after if line in before] == before
    assert len({key for key, _, _ in after}) == len({key for key, _, _ in before}) + CUSTOMERS // 20


@pytest.mark.parametrize(
    "wrong", [{"customers": 0}, {"seed": -1}, {"bad": 1.5}, {"changed": -0.1}, {"changed": 0.5}]
)
def test_arguments_that_make_no_sense_are_refused(tmp_path: Path, wrong: dict[str, float]) -> None:
    arguments = {"customers": 5, "seed": 1, "bad": 0.0, "changed": 0.0} | wrong
    with pytest.raises(ValueError, match=r"sample|shares"):
        write_sample(tmp_path, date=DATE, **arguments)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_a_delta_of_itself_or_of_nothing_is_refused(tmp_path: Path) -> None:
    write_sample(tmp_path, customers=5, seed=1, date=DATE)
    with pytest.raises(ValueError, match="replace"):
        write_sample(tmp_path, customers=5, seed=1, date=DATE, delta_of=tmp_path, changed=0.5)
    with pytest.raises(FileNotFoundError):
        write_sample(tmp_path / "new", customers=5, seed=1, date=DATE, delta_of=tmp_path / "no", changed=0.5)
    assert not (tmp_path / "new").exists()
