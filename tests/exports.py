"""Write small exports in the reference core's layout: a test names only what matters, the rest is invented.

A row is a mapping from column to the text that the CSV shows; what is left out comes from ``DEFAULTS``. A register
is a core key with its rows in every table; ``natural_person`` and ``company`` make one that breaks no rule.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from mappings.cores.reference.sample.layout import COLUMNS, DATES, DECIMALS, KEY, TIMESTAMPS

if TYPE_CHECKING:
    from pathlib import Path

Row = Mapping[str, str]
Register = Mapping[str, Sequence[Row]]

MOMENT = "19/11/2026 10:00:00"  # 13:00:00 UTC
CONTROL = "_controle.json"
NATIVE_DECIMAL = pa.decimal128(30, 8)


def cpf(number: int) -> str:
    """Make the CPF, check digits included, of an invented number."""
    digits = [int(digit) for digit in f"{number:09}"]
    for _ in range(2):
        weighted = sum(digit * weight for digit, weight in zip(reversed(digits), range(2, 12), strict=False))
        digits.append(weighted * 10 % 11 % 10)
    return "".join(map(str, digits))


def cnpj(number: int) -> str:
    """Make the CNPJ, check digits included, of an invented number."""
    digits = [int(digit) for digit in f"{number:012}"]
    for _ in range(2):
        weights = [2 + place % 8 for place in range(len(digits))]
        weighted = sum(digit * weight for digit, weight in zip(reversed(digits), weights, strict=True))
        digits.append(11 - weighted % 11 if weighted % 11 > 1 else 0)
    return "".join(map(str, digits))


CPF, CNPJ = cpf(123456789), cnpj(123456780001)

DEFAULTS: dict[str, Row] = {
    "clientes": {
        "tipo_pessoa": "F",
        "situacao": "A",
        "cod_marca": "01",
        "dt_inicio_3040": "10/03/2015 00:00:00",
        "dt_inicio_ccs": "11/03/2015 00:00:00",
        "ts_atualizacao": MOMENT,
    },
    "pessoas_fisicas": {
        "nome_civil": "Ana Lima",
        "dt_nascimento": "21/05/1990",
        "sexo": "F",
        "ind_nac_brasileira": "S",
        "ts_atualizacao": MOMENT,
    },
    "pessoas_juridicas": {
        "razao_social": "Padaria Exemplo Ltda",
        "dt_constituicao": "01/03/2001 00:00:00",
        "ts_atualizacao": MOMENT,
    },
    "empresas_cadastro": {"cnpj_empresa": CNPJ},
    "documentos": {"tipo_documento": "CNH", "numero": "123456", "ts_atualizacao": MOMENT},
    "nacionalidades": {"pais": "CAN", "ts_atualizacao": MOMENT},
    "nacionalidade_documentos": {"pais": "CAN", "tipo": "PASSPORT", "numero": "C1"},
    "filiacao": {"tipo": "M", "nome_civil": "Rita Lima"},
    "enderecos": {
        "ind_principal": "S",
        "logradouro": "Rua das Acácias",
        "numero": "10",
        "cidade": "São Paulo",
        "cod_ibge": "3550308",
        "uf": "SP",
        "cep": "01310100",
        "pais": "Brasil",
        "cod_pais": "BRA",
        "ts_atualizacao": MOMENT,
    },
    "telefones": {
        "ind_principal": "S",
        "tipo": "M",
        "ddi": "55",
        "ddd": "11",
        "numero": "912345678",
        "ts_atualizacao": MOMENT,
    },
    "emails": {"ind_principal": "S", "email": "ana@example.com", "ts_atualizacao": MOMENT},
    "qualificacoes_pf": {"cnpj_empresa": CNPJ, "ts_atualizacao": MOMENT},
    "qualificacoes_pj": {
        "valor_faturamento": "1000,00",
        "moeda_faturamento": "BRL",
        "ts_atualizacao": MOMENT,
    },
    "atividades_economicas": {"cnae": "1091102", "ind_principal": "S"},
    "socios": {
        "tipo_pessoa": "F",
        "perfil": "S",
        "nome_civil": "Ana Lima",
        "pct_participacao": "51,000000",
        "tipo_documento": "CPF",
        "numero_documento": CPF,
    },
    "produtos": {"cod_produto": "06", "situacao": "A", "ts_atualizacao": MOMENT},
    "contas": {
        "cod_compe": "001",
        "agencia": "0001",
        "numero": "00001234",
        "digito": "5",
        "tipo": "CC",
        "subtipo": "I",
        "situacao": "A",
        "ts_atualizacao": MOMENT,
    },
    "representantes": {"tipo": "P", "cpf_cnpj": CPF, "nome": "Rita Lima", "ts_atualizacao": MOMENT},
    "portabilidades": {
        "nome_empregador": "Padaria Exemplo Ltda",
        "doc_empregador": CNPJ,
        "cnpj_banco": CNPJ,
        "ispb_banco": "12345678",
        "dt_aprovacao": "01/02/2024",
    },
    "vinculos_folha": {
        "nome_empregador": "Padaria Exemplo Ltda",
        "doc_empregador": CNPJ,
        "cnpj_banco": CNPJ,
        "ispb_banco": "12345678",
        "dt_abertura": "01/02/2020",
    },
}
_NATURAL_PERSON = ("clientes", "pessoas_fisicas", "empresas_cadastro", "qualificacoes_pf", "produtos")
_COMPANY = ("clientes", "pessoas_juridicas", "empresas_cadastro", "qualificacoes_pj", "produtos")


def _register(key: str, usual: Iterable[str], tables: Mapping[str, Row | Sequence[Row] | None]) -> Register:
    """Take one row of each usual table, unless a table is named: one row, several, or None for none."""
    made: dict[str, list[Row]] = {}
    for table in (*usual, *(name for name in tables if name not in usual)):
        wanted: Row | Sequence[Row] | None = tables.get(table, {})
        rows = [] if wanted is None else [wanted] if isinstance(wanted, Mapping) else wanted
        made[table] = [{KEY: key, **DEFAULTS[table], **row} for row in rows]
    return made


def natural_person(key: str = "F1", tax_id: str = CPF, **tables: Row | Sequence[Row] | None) -> Register:
    """Make a register of a natural person."""
    clientes = {"tipo_pessoa": "F", "cpf_cnpj": tax_id, **_one(tables.pop("clientes", {}))}
    return _register(key, _NATURAL_PERSON, {"clientes": clientes, **tables})


def company(key: str = "J1", tax_id: str = CNPJ, **tables: Row | Sequence[Row] | None) -> Register:
    """Make a register of a company."""
    clientes = {"tipo_pessoa": "J", "cpf_cnpj": tax_id, **_one(tables.pop("clientes", {}))}
    return _register(key, _COMPANY, {"clientes": clientes, **tables})


def _one(row: Row | Sequence[Row] | None) -> Row:
    if not isinstance(row, Mapping):
        raise TypeError("a register has one row in clientes; give the others as rows()")
    return row


def rows(table: str, *values: Row) -> Register:
    """Make rows of one table as they are given, key included."""
    return {table: values}


def write_export(
    folder: Path,
    *registers: Register,
    kind: Literal["full", "delta"] = "full",
    day: str = "2026-11-20",
    generated_at: str | None = None,
    file_format: Literal["csv", "parquet"] = "csv",
    line_end: str = "\r\n",
    absent: Iterable[str] = (),
) -> Path:
    """Write an export folder and return it; a table without rows is a file with only a header, unless ``absent``."""
    folder.mkdir(parents=True, exist_ok=True)
    for table in COLUMNS.keys() - set(absent):
        content = [row for register in registers for row in register.get(table, ())]
        path = folder / f"{table}.{file_format}"
        path.write_bytes(
            as_csv(table, content, line_end) if file_format == "csv" else as_parquet(table, content)
        )
    write_control(
        folder,
        {name: _count(registers, name) for name in COLUMNS.keys() - set(absent)},
        kind,
        day,
        generated_at,
    )
    return folder


def _count(registers: Iterable[Register], table: str) -> int:
    return sum(len(register.get(table, ())) for register in registers)


def as_csv(table: str, content: Sequence[Row], line_end: str = "\r\n") -> bytes:
    """Write rows as the layout's CSV: quoted only where needed."""
    names = (KEY, *COLUMNS[table])
    unknown = {name for row in content for name in row if name not in names}
    if unknown:
        raise KeyError(f"{table} has no column {', '.join(sorted(unknown))}")
    lines = [";".join(names), *(";".join(_quoted(row.get(name, "")) for name in names) for row in content)]
    return "".join(line + line_end for line in lines).encode("cp1252")


def _quoted(field: str) -> str:
    return '"' + field.replace('"', '""') + '"' if set(field) & set(';"\r\n') else field


def as_parquet(table: str, content: Sequence[Row]) -> bytes:
    """Write rows as Parquet: dates, timestamps and decimals native, no value and fillers of dates as null."""
    columns = {name: native(name, [row.get(name, "") for row in content]) for name in (KEY, *COLUMNS[table])}
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


def native(column: str, texts: Iterable[str]) -> pa.Array:
    """Turn the texts of a CSV column into what a Parquet file holds."""
    if column in DATES:
        return pa.array([_moment(text, "%d/%m/%Y", date) for text in texts], pa.date32())
    if column in TIMESTAMPS:
        return pa.array([_moment(text, "%d/%m/%Y %H:%M:%S", datetime) for text in texts], pa.timestamp("us"))
    if column in DECIMALS:
        return pa.array([Decimal(text.replace(",", ".")) if text else None for text in texts], NATIVE_DECIMAL)
    return pa.array([text or None for text in texts], pa.string())


def _moment(text: str, pattern: str, kind: type[date]) -> date | None:
    if text in {"", "00/00/0000", "01/01/0001"}:
        return None
    moment = datetime.strptime(text, pattern)  # noqa: DTZ007 (local time, as the core has it)
    return moment if kind is datetime else moment.date()


def write_control(
    folder: Path,
    counts: Mapping[str, int],
    kind: str = "full",
    day: str = "2026-11-20",
    generated_at: str | None = None,
) -> None:
    """Write the control file over the table files in the folder."""
    tables = {path.stem: path for path in folder.iterdir() if not path.name.startswith("_")}
    said = {
        "business_date": day,
        "kind": kind,
        "generated_at": generated_at or f"{day}T23:00:00-03:00",
        "tables": {
            name: {"rows": counts[name], "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
            for name, path in sorted(tables.items())
        },
    }
    (folder / CONTROL).write_text(json.dumps(said), encoding="utf-8")


def change_control(folder: Path, change: Any) -> None:  # noqa: ANN401 (a function of the parsed JSON, in place)
    """Change what the control file says, through a function of its parsed content."""
    path = folder / CONTROL
    said = json.loads(path.read_text(encoding="utf-8"))
    change(said)
    path.write_text(json.dumps(said), encoding="utf-8")


def replace_file(folder: Path, name: str, content: bytes, count: int) -> None:
    """Put other bytes in the place of a table's file, and let the control file agree."""
    (folder / name).write_bytes(content)

    def agree(said: dict[str, Any]) -> None:
        said["tables"][name.rsplit(".", 1)[0]] = {
            "rows": count,
            "sha256": hashlib.sha256(content).hexdigest(),
        }

    change_control(folder, agree)


def age(folder: Path, seconds: float = 7200) -> None:
    """Let a folder look as if nothing had been written to it for a while."""
    moment = time.time() - seconds
    for path in (*folder.iterdir(), folder):
        os.utime(path, (moment, moment))
