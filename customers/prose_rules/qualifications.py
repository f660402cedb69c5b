"""What the texts ask of qualifications."""

from __future__ import annotations

from customers.conditions import Count, InTable, Matches, Present, contains, equals
from customers.prose_rules.scopes import BQ, PQ
from customers.rule_kinds import Must, ProseRule, RequiredWhen

QUALIFICATIONS: tuple[ProseRule, ...] = (
    RequiredWhen(
        id="P-OCCUPATION-DESC",
        on=PQ,
        field="/data/occupationDescription",
        when=Present("/data/occupationCode"),
        english="must be present when the occupation's list is named",
        portuguese="deve estar presente quando a lista de ocupações é indicada",
    ),
    Must(
        id="P-OCCUPATION-CODE",
        on=PQ,
        field="/data/occupationDescription",
        when=equals("/data/occupationCode", "RECEITA_FEDERAL", "CBO"),
        that=Matches("/data/occupationDescription", "^[0-9.-]*[0-9][0-9.-]*$"),
        english="must be the code of the list that is named, not a text",
        portuguese="deve ser o código da lista indicada, não um texto",
    ),
    Must(
        id="P-OCCUPATION-ORPHAN",
        on=PQ,
        field="/data/occupationDescription",
        when=Present("/data/occupationDescription"),
        that=Present("/data/occupationCode"),
        klass="suspect",
        english="is there without the list that it comes from",
        portuguese="foi informado sem a lista de onde vem",
    ),
    *(
        Must(
            id="P-ISO4217",
            on=on,
            field=xpath,
            that=InTable(xpath, "iso-4217"),
            english="must be a currency of ISO 4217",
            portuguese="deve ser uma moeda da ISO 4217",
        )
        for on, xpath in (
            (PQ, "/data/informedIncome/amount/currency"),
            (BQ, "/data/informedRevenue/amount/currency"),
            (PQ + BQ, "/data/informedPatrimony/amount/currency"),
        )
    ),
    Must(
        id="P-CNAE-MAIN-MULTI",
        on=BQ,
        field="/data/economicActivities",
        that=Count("/data/economicActivities/isMain", ("true",), at_least=0, at_most=1),
        english="must not have more than one main activity",
        portuguese="não pode ter mais de uma atividade principal",
    ),
    Must(
        id="P-CNAE-MAIN-NONE",
        on=BQ,
        field="/data/economicActivities",
        when=Present("/data/economicActivities"),
        that=contains("/data/economicActivities/isMain", "true"),
        english="must have a main activity",
        portuguese="deve ter uma atividade principal",
    ),
    Must(
        id="P-CNAE-DIVISION",
        on=BQ,
        field="/data/economicActivities/code",
        that=InTable("/data/economicActivities/code", "cnae-divisions", prefix=2),
        klass="suspect",
        english="should start with a division of the CNAE",
        portuguese="deveria começar com uma divisão da CNAE",
    ),
    RequiredWhen(
        id="P-FREQUENCY-OUTROS",
        on=BQ,
        field="/data/informedRevenue/frequencyAdditionalInfo",
        when=equals("/data/informedRevenue/frequency", "OUTROS"),
        english="must be present when the frequency is OUTROS",
        portuguese="deve estar presente quando a frequência é OUTROS",
    ),
)
