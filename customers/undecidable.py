"""What the standard asks and no program can read off a document: who takes care of it, or why nobody can.

*Mapping* means the functions of ``mappings``, judged against the core's export; the others stay with the
institution.
"""

from __future__ import annotations

UNDECIDABLE: dict[str, str] = {
    "C-UPDATE-DATETIME": (
        "Done by the mapping: the latest change among the document's own tables, else the register's."
    ),
    "C-START-DATE": (
        "Done by the mapping: the earlier of the two starts that were reported to the central bank."
    ),
    "C-ID-STABLE": "Done by the mapping: a keyed hash of the core key, the same on every run.",
    "C-COMPANIES-CNPJ": "Done by the mapping: the CNPJs that the export lists for the register.",
    "C-BRAND": (
        "Done by the core's configuration; whether it is the name customers know is for the "
        "institution to say."
    ),
    "C-SOCIALNAME": (
        "Done by the mapping: sent wherever the core has one; that one exists elsewhere cannot be seen."
    ),
    "C-OTHERDOC-CHECKDIGIT": (
        "Done by the mapping: sent wherever the core has one; not every document has one."
    ),
    "C-DISTRICT": "Done by the mapping: sent wherever the core has one; not every address has one.",
    "C-TRADENAME": "Done by the mapping: sent wherever the core has one; not every company has one.",
    "C-OTHERDOC-FOREIGN": (
        "A company without CNPJ cannot be represented (cnpjNumber is required): it is rejected."
    ),
    "C-PARTIES-QSA": "Needs the federal register of partners, which is outside the core.",
    "C-PARTIES-25": "Done by the mapping: a partner under 25 % is left out, an administrator never.",
    "C-PARTY-DOCINFO": (
        "Done by the mapping: sent wherever the core has it; what is relevant is a person's judgement."
    ),
    "C-PHONE-DDI": "Done by the mapping: sent wherever the core has it, 55 included.",
    "C-PHONE-EXT": "Done by the mapping: sent wherever the core has one; not every number has one.",
    "C-NAT-ALL": "Done by the mapping: every nationality of the core; others cannot be seen.",
    "C-PRODUCTS-CURRENT": "Done by the mapping: the products in force in the core, no closed one.",
    "C-PROCURATORS": "Done by the mapping: every representative of the core; others cannot be seen.",
    "C-ACCOUNTS-ALL": "Done by the mapping: every open account of the three types, whether consented or not.",
    "C-PORTABILITY": (
        "Done by the mapping: approvals of the last five years; a later denial must leave the core."
    ),
    "C-PAYCHECK": (
        "Done by the mapping: one for each link, none for a person with nothing but a salary account."
    ),
    "C-EMPLOYER-NAME": (
        "Sent as the core has it: whether it is the registered name needs the federal register."
    ),
    "C-CNAE-ALL": "Done by the mapping: every activity of the core; others cannot be seen.",
    "C-CNAE-TABLE": (
        "Needs the table of subclasses, which changes; P-CNAE-DIVISION judges the first two digits."
    ),
    "C-OCCUPATION-TABLE": (
        "Needs the two lists of occupations, which change; P-OCCUPATION-CODE judges the shape."
    ),
    "C-SEX": "Done by the mapping: OUTRO for neither, nothing where the core does not know.",
    "C-REGULATORY": (
        "What makes sense to send is a person's judgement; the mapping sends whatever the core has."
    ),
}
