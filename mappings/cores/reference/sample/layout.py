"""The tables and columns of the reference core export, and what each holds in a Parquet file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mappings.cores.reference.sample.draw import Ints, Text

KEY = "cod_cliente"

_COLUMNS = {
    "clientes": "tipo_pessoa situacao cod_marca cpf_cnpj dt_inicio_3040 dt_inicio_ccs ts_atualizacao",
    "pessoas_fisicas": "nome_civil nome_social dt_nascimento cod_estado_civil desc_estado_civil sexo "
    "ind_nac_brasileira passaporte_numero passaporte_pais passaporte_emissao passaporte_validade "
    "desc_outros_produtos ts_atualizacao",
    "pessoas_juridicas": "razao_social nome_fantasia dt_constituicao ts_atualizacao",
    "empresas_cadastro": "cnpj_empresa",
    "documentos": "tipo_documento desc_tipo numero digito orgao_emissor pais validade ts_atualizacao",
    "nacionalidades": "pais ts_atualizacao",
    "nacionalidade_documentos": "pais tipo numero emissao validade pais_emissor complemento",
    "filiacao": "tipo nome_civil nome_social",
    "enderecos": "ind_principal logradouro numero complemento bairro cidade cod_ibge uf cep pais cod_pais "
    "latitude longitude ts_atualizacao",
    "telefones": "ind_principal tipo desc_tipo ddi ddd numero ramal ts_atualizacao",
    "emails": "ind_principal email ts_atualizacao",
    "qualificacoes_pf": "cnpj_empresa cod_ocupacao ocupacao freq_renda valor_renda moeda_renda dt_renda "
    "valor_patrimonio moeda_patrimonio ano_patrimonio ts_atualizacao",
    "qualificacoes_pj": "freq_faturamento desc_frequencia valor_faturamento moeda_faturamento "
    "ano_faturamento valor_patrimonio moeda_patrimonio dt_patrimonio ts_atualizacao",
    "atividades_economicas": "cnae ind_principal",
    "socios": "tipo_pessoa perfil nome_civil nome_social razao_social nome_fantasia dt_inicio "
    "pct_participacao tipo_documento numero_documento compl_documento pais_documento emissao validade",
    "produtos": "cod_produto situacao ts_atualizacao",
    "contas": "cod_compe agencia numero digito tipo subtipo situacao ts_atualizacao",
    "representantes": "tipo cpf_cnpj nome nome_social ts_atualizacao",
    "portabilidades": "nome_empregador doc_empregador cnpj_banco ispb_banco dt_aprovacao",
    "vinculos_folha": "nome_empregador doc_empregador cnpj_banco ispb_banco dt_abertura",
}
COLUMNS: dict[str, tuple[str, ...]] = {table: tuple(names.split()) for table, names in _COLUMNS.items()}

DATES = frozenset(
    [
        "dt_nascimento",
        "passaporte_emissao",
        "passaporte_validade",
        "validade",
        "emissao",
        "dt_renda",
        "dt_patrimonio",
        "dt_aprovacao",
        "dt_abertura",
    ]
)
TIMESTAMPS = frozenset(["ts_atualizacao", "dt_inicio_3040", "dt_inicio_ccs", "dt_constituicao", "dt_inicio"])
DECIMALS = frozenset(["valor_renda", "valor_patrimonio", "valor_faturamento", "pct_participacao"])


def native_type(column: str) -> Any:  # noqa: ANN401 (pyarrow has no type stubs)
    """Return the Arrow type of a column in a Parquet export; coordinates stay text."""
    if column in DATES:
        return pa.date32()
    if column in TIMESTAMPS:
        return pa.timestamp("us")
    if column in DECIMALS:
        return pa.decimal128(30, 8)
    return pa.string()


@dataclass(slots=True)
class Rows:
    """Hold the rows of one table: the register (position in the batch) of each row, and one text column each.

    Columns are Arrow strings without nulls, in the form that the CSV shows; an empty string is no value.
    """

    owner: Ints
    columns: dict[str, Text]

    def append(self, owner: Ints, values: Mapping[str, str]) -> None:
        """Add one row of the same values for each register of ``owner``; columns not named are empty."""
        for name, column in self.columns.items():
            self.columns[name] = pa.concat_arrays(
                [column, pa.repeat(pa.scalar(values.get(name, "")), len(owner))]
            )
        self.owner = np.concatenate([self.owner, owner])

    def repeat(self, registers: Ints) -> None:
        """Add every row of the given registers once more."""
        again = np.flatnonzero(np.isin(self.owner, registers))
        positions = pa.array(np.concatenate([np.arange(len(self.owner)), again]))
        self.columns = {name: column.take(positions) for name, column in self.columns.items()}
        self.owner = np.concatenate([self.owner, self.owner[again]])


@dataclass(slots=True)
class Batch:
    """Hold some registers of an export, complete: their core keys and the rows of every table."""

    keys: Text
    tables: dict[str, Rows] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.keys)
