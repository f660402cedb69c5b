"""Put the tables of one batch of registers together."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from mappings.cores.reference.sample import companies, contacts, people, relations
from mappings.cores.reference.sample.draw import Draw
from mappings.cores.reference.sample.layout import COLUMNS, Batch, Rows
from mappings.cores.reference.sample.registers import draw_registers, keys

# The unit of memory; part of what a seed means, so a change of it changes every sample.
SIZE = 50_000


def draw_batch(first: int, size: int, seed: int, today: int) -> Batch:
    """Draw the registers at positions ``first`` to ``first + size`` of an export, with all their rows.

    Each batch has its own stream of random numbers, so batches can be drawn in any order.
    """
    draw = Draw(np.random.default_rng([seed, first]), today)
    registers = draw_registers(draw, first, size, seed)
    held = relations.contracts(draw, registers)
    persons = people.persons(draw, registers)
    persons.columns["desc_outros_produtos"] = relations.free_texts(draw, persons.owner, held)
    nationalities, papers = people.nationalities(draw, registers)
    tables = {
        "clientes": relations.customers(draw, registers),
        "pessoas_fisicas": persons,
        "pessoas_juridicas": companies.companies(draw, registers),
        "empresas_cadastro": people.register_companies(draw, registers),
        "documentos": merged(people.documents(draw, registers), companies.documents(draw, registers)),
        "nacionalidades": nationalities,
        "nacionalidade_documentos": papers,
        "filiacao": people.filiation(draw, registers),
        "enderecos": contacts.addresses(draw, registers),
        "telefones": contacts.phones(draw, registers),
        "emails": contacts.emails(draw, registers),
        "qualificacoes_pf": people.qualifications(draw, registers),
        "qualificacoes_pj": companies.qualifications(draw, registers),
        "atividades_economicas": companies.activities(draw, registers),
        "socios": companies.parties(draw, registers),
        "produtos": relations.products(draw, held),
        "contas": relations.accounts(draw, registers, held),
        "representantes": people.representatives(draw, registers),
        "portabilidades": relations.portabilities(draw, registers, held),
        "vinculos_folha": relations.payroll_links(draw, registers, held),
    }
    return Batch(keys(first, size, seed), {table: tables[table] for table in COLUMNS})


def merged(one: Rows, other: Rows) -> Rows:
    """Unite rows of the same table, in order of register."""
    owner = np.concatenate([one.owner, other.owner])
    order = np.argsort(owner, kind="stable")
    columns = {
        name: pa.concat_arrays([column, other.columns[name]]).take(pa.array(order))
        for name, column in one.columns.items()
    }
    return Rows(owner[order], columns)
