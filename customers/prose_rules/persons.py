"""What the texts ask of a natural person's identification."""

from __future__ import annotations

from customers.brazil.ibge import PREFIX_OF_UF
from customers.conditions import CodesIn, Includes, Matches, Not, Or, Present, equals
from customers.prose_rules.scopes import PI
from customers.rule_kinds import ForbiddenWhen, Must, ProseRule, RequiredWhen

PERSONS: tuple[ProseRule, ...] = (
    RequiredWhen(
        id="P-MARITAL-OUTRO",
        on=PI,
        field="/data/maritalStatusAdditionalInfo",
        when=equals("/data/maritalStatusCode", "OUTRO"),
        english="must be present when the marital status is OUTRO",
        portuguese="deve estar presente quando o estado civil é OUTRO",
    ),
    Must(
        id="P-DOC-CPF-OR-PASSPORT",
        on=PI,
        field="/data/documents",
        that=Or((Present("/data/documents/cpfNumber"), Present("/data/documents/passport"))),
        english="must hold a CPF or a passport",
        portuguese="deve trazer um CPF ou um passaporte",
    ),
    ForbiddenWhen(
        id="P-PASSPORT-AND-CPF",
        on=PI,
        field="/data/documents/passport",
        when=Present("/data/documents/cpfNumber"),
        klass="suspect",
        english="is meant for people without a CPF, yet both are there",
        portuguese="destina-se a quem não tem CPF, mas ambos foram informados",
    ),
    RequiredWhen(
        id="P-OTHERDOC-OUTROS",
        on=PI,
        field="/data/otherDocuments/typeAdditionalInfo",
        when=equals("/data/otherDocuments/type", "OUTROS"),
        english="must be present when the document's type is OUTROS",
        portuguese="deve estar presente quando o tipo do documento é OUTROS",
    ),
    RequiredWhen(
        id="P-RG-ISSUER",
        on=PI,
        field="/data/otherDocuments/additionalInfo",
        when=equals("/data/otherDocuments/type", "RG"),
        klass="suspect",
        english="should name who issued an RG",
        portuguese="deveria indicar o órgão emissor do RG",
    ),
    Must(
        id="P-RG-ISSUER-FORMAT",
        on=PI,
        field="/data/otherDocuments/additionalInfo",
        when=equals("/data/otherDocuments/type", "RG"),
        that=Matches(
            "/data/otherDocuments/additionalInfo", rf"^[\s\S]*[/ -]({'|'.join(sorted(PREFIX_OF_UF))})$"
        ),
        klass="suspect",
        english="should end with the state that issued an RG, as in SSP/RS",
        portuguese="deveria terminar com a UF emissora do RG, como em SSP/RS",
    ),
    RequiredWhen(
        id="P-NATIONALITY",
        on=PI,
        field="/data/nationality",
        when=equals("/data/hasBrazilianNationality", "false"),
        english="must hold a nationality when the person is not Brazilian",
        portuguese="deve trazer uma nacionalidade quando a pessoa não é brasileira",
    ),
    Must(
        id="P-NAT-ALPHA3",
        on=PI,
        field="/data/nationality/otherNationalitiesInfo",
        that=CodesIn("/data/nationality/otherNationalitiesInfo", "iso-3166"),
        english="must hold alpha-3 codes of ISO 3166 and nothing else",
        portuguese="deve trazer somente códigos alpha-3 da ISO 3166",
    ),
    Must(
        id="P-NAT-BRA",
        on=PI,
        field="/data/nationality/otherNationalitiesInfo",
        that=Not(
            Matches(
                "/data/nationality/otherNationalitiesInfo", r"^([\s\S]*[^A-Za-z])?BRA([^A-Za-z][\s\S]*)?$"
            )
        ),
        klass="suspect",
        english="speaks of the other nationalities, yet names Brazil",
        portuguese="trata das demais nacionalidades, mas indica o Brasil",
    ),
    Must(
        id="P-ID-PII",
        on=PI,
        field="/data/personalId",
        that=Not(Includes("/data/personalId", "/data/documents/cpfNumber", ignoring="-")),
        english="must not contain the CPF",
        portuguese="não pode conter o CPF",
    ),
)
