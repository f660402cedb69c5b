"""Document numbers and codes of Brazil: the vectorised judgement equals the scalar one, whatever comes."""

from __future__ import annotations

import subprocess
import sys

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from customers.brazil import cep, cnpj, cpf, ddd, ibge
from customers.reference import table

JUNK = st.one_of(
    st.text(), st.text("0123456789", max_size=16), st.from_regex(r"[0-9A-Z]{12}[0-9]{2}", fullmatch=True)
)
DIGITS = st.text("0123456789", min_size=9, max_size=9)


def _completed(body: str, width: int) -> str:
    """Return the one number of a body that the scalar judgement accepts."""
    module = cpf if width == 11 else cnpj
    found = [number for number in (f"{body}{tail:02d}" for tail in range(100)) if module.is_valid(number)]
    assert len(found) == 1
    return found[0]


@given(st.lists(st.one_of(st.none(), JUNK)))
def test_columns_are_judged_like_single_texts(texts: list[str | None]) -> None:
    column = pa.array(texts, pa.string())
    for module in (cpf, cnpj):
        expected = [None if text is None else module.is_valid(text) for text in texts]
        assert module.valid(column).to_pylist() == expected
        assert module.valid(pa.chunked_array([column, column[1:]])).to_pylist() == expected + expected[1:]


@given(DIGITS.filter(lambda body: len(set(body)) > 1))
def test_every_cpf_body_has_one_pair_of_check_digits(body: str) -> None:
    number = _completed(body, 11)
    assert cpf.valid(pa.array([None, "x", number], pa.large_string())).to_pylist() == [None, False, True]


@given(st.text("0123456789ABCXYZ", min_size=12, max_size=12).filter(lambda body: len(set(body)) > 1))
def test_every_cnpj_body_has_one_pair_of_check_digits(body: str) -> None:
    number = _completed(body, 14)
    assert cnpj.valid(pa.array([number, number + "\n"])[0:2]).to_pylist() == [True, False]


@pytest.mark.parametrize("module", [cpf, cnpj])
def test_empty_and_null_columns(module: object) -> None:
    assert isinstance(module, type(cpf))
    assert module.valid(pa.array([], pa.string())).to_pylist() == []
    assert module.valid(pa.array([None, None])).to_pylist() == [None, None]


@given(st.text())
def test_junk_never_raises(text: str) -> None:
    for module in (cpf, cnpj, cep):
        assert module.is_valid(module.compact(text)) in {True, False}
    assert ddd.is_valid(text) == (text in ddd.UF_OF_DDD)
    assert not ibge.is_valid(text) or text[:2] in ibge.UF_OF_PREFIX


def test_masks_come_off() -> None:
    assert cpf.is_valid(cpf.compact("123.456.789-09"))
    assert cnpj.is_valid(cnpj.compact("12.ABC.345/01DE-35"))
    assert cep.is_valid(cep.compact("01310-100"))


def test_the_tables_of_pycountry_are_read_only_when_asked_for() -> None:
    program = "import sys, customers.rules; sys.exit('pycountry' in sys.modules or 'pyarrow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_reference_tables_are_complete() -> None:
    assert len(table("ddd")) == 67
    assert len(table("cnae-divisions")) == 87
    assert len(table("ibge-uf")) == 27
    assert set(table("ddd").values()) == set(table("ibge-uf").values())
    assert {"BRA", "CAN"} <= set(table("iso-3166"))
    assert {"BRL", "EUR"} <= set(table("iso-4217"))
