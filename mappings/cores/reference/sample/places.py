"""Municipalities with their public numbers, and words for the rest of an address."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mappings.cores.reference.sample.draw import phrases, pool


class Town(NamedTuple):
    """Describe a municipality; ``cep``: the first digits that all its CEPs share."""

    name: str
    ibge: str
    uf: str
    ddd: str
    cep: str
    latitude: float
    longitude: float


_TOWNS = """
São Paulo;3550308;SP;11;01;-23.55;-46.63
Rio de Janeiro;3304557;RJ;21;20;-22.91;-43.20
Brasília;5300108;DF;61;70;-15.79;-47.88
Salvador;2927408;BA;71;40;-12.97;-38.50
Fortaleza;2304400;CE;85;60;-3.73;-38.52
Belo Horizonte;3106200;MG;31;30;-19.92;-43.94
Manaus;1302603;AM;92;690;-3.12;-60.02
Curitiba;4106902;PR;41;80;-25.43;-49.27
Recife;2611606;PE;81;50;-8.05;-34.90
Goiânia;5208707;GO;62;740;-16.68;-49.25
Belém;1501402;PA;91;660;-1.46;-48.50
Porto Alegre;4314902;RS;51;90;-30.03;-51.23
Guarulhos;3518800;SP;11;070;-23.46;-46.53
Campinas;3509502;SP;19;130;-22.91;-47.06
São Luís;2111300;MA;98;650;-2.53;-44.30
Maceió;2704302;AL;82;570;-9.67;-35.74
Campo Grande;5002704;MS;67;790;-20.44;-54.65
Teresina;2211001;PI;86;640;-5.09;-42.80
João Pessoa;2507507;PB;83;580;-7.12;-34.86
Natal;2408102;RN;84;590;-5.79;-35.21
Cuiabá;5103403;MT;65;780;-15.60;-56.10
Aracaju;2800308;SE;79;490;-10.91;-37.07
Florianópolis;4205407;SC;48;880;-27.60;-48.55
Vitória;3205309;ES;27;290;-20.32;-40.34
Porto Velho;1100205;RO;69;7680;-8.76;-63.90
Rio Branco;1200401;AC;68;6990;-9.97;-67.81
Macapá;1600303;AP;96;6890;0.03;-51.07
Boa Vista;1400100;RR;95;6930;2.82;-60.67
Palmas;1721000;TO;63;770;-10.18;-48.33
São Bernardo do Campo;3548708;SP;11;097;-23.69;-46.56
Santo André;3547809;SP;11;090;-23.66;-46.53
Osasco;3534401;SP;11;060;-23.53;-46.79
Sorocaba;3552205;SP;15;180;-23.50;-47.46
Ribeirão Preto;3543402;SP;16;140;-21.18;-47.81
São José dos Campos;3549904;SP;12;122;-23.18;-45.88
Santos;3548500;SP;13;110;-23.96;-46.33
Bauru;3506003;SP;14;170;-22.31;-49.06
São José do Rio Preto;3549805;SP;17;150;-20.82;-49.38
Presidente Prudente;3541406;SP;18;190;-22.13;-51.39
Niterói;3303302;RJ;21;240;-22.88;-43.10
Duque de Caxias;3301702;RJ;21;250;-22.79;-43.31
Campos dos Goytacazes;3301009;RJ;22;280;-21.75;-41.33
Petrópolis;3303906;RJ;24;256;-22.51;-43.18
Uberlândia;3170206;MG;34;3840;-18.92;-48.28
Juiz de Fora;3136702;MG;32;360;-21.76;-43.35
Contagem;3118601;MG;31;320;-19.93;-44.05
Montes Claros;3143302;MG;38;3940;-16.73;-43.86
Joinville;4209102;SC;47;892;-26.30;-48.85
Blumenau;4202404;SC;47;890;-26.92;-49.07
Chapecó;4204202;SC;49;8980;-27.10;-52.62
Londrina;4113700;PR;43;860;-23.31;-51.16
Maringá;4115200;PR;44;870;-23.42;-51.94
Ponta Grossa;4119905;PR;42;840;-25.09;-50.16
Foz do Iguaçu;4108304;PR;45;8585;-25.54;-54.59
Caxias do Sul;4305108;RS;54;950;-29.17;-51.18
Pelotas;4314407;RS;53;960;-31.77;-52.34
Santa Maria;4316907;RS;55;970;-29.69;-53.81
Feira de Santana;2910800;BA;75;440;-12.27;-38.97
Vitória da Conquista;2933307;BA;77;450;-14.86;-40.84
Campina Grande;2504009;PB;83;5840;-7.23;-35.88
Mossoró;2408003;RN;84;5960;-5.19;-37.34
Caruaru;2604106;PE;81;550;-8.28;-35.98
Petrolina;2611101;PE;87;5630;-9.39;-40.50
Juazeiro do Norte;2307304;CE;88;630;-7.21;-39.32
Imperatriz;2105302;MA;99;6590;-5.53;-47.48
Santarém;1506807;PA;93;680;-2.44;-54.71
Marabá;1504208;PA;94;6850;-5.37;-49.12
Anápolis;5201108;GO;62;750;-16.33;-48.95
Rondonópolis;5107602;MT;66;7870;-16.47;-54.64
Vila Velha;3205200;ES;27;291;-20.33;-40.29
"""


def _town(line: str) -> Town:
    name, ibge, uf, ddd, cep, latitude, longitude = line.split(";")
    return Town(name, ibge, uf, ddd, cep, float(latitude), float(longitude))


TOWNS: tuple[Town, ...] = tuple(_town(line) for line in _TOWNS.strip().splitlines())
TOWN_NAMES = pool([town.name for town in TOWNS])
IBGE_CODES = pool([town.ibge for town in TOWNS])
UFS = pool([town.uf for town in TOWNS])
DDDS = pool([town.ddd for town in TOWNS])
# CEPs are drawn as numbers: the town's first digits, and how many numbers of eight digits they leave.
CEP_STARTS = np.array([int(town.cep.ljust(8, "0")) for town in TOWNS])
CEP_SPANS = np.array([10 ** (8 - len(town.cep)) for town in TOWNS])
LATITUDES = np.array([town.latitude for town in TOWNS])
LONGITUDES = np.array([town.longitude for town in TOWNS])
# Listed about by population: the first towns have the most customers.
TOWN_WEIGHTS = tuple(1 / (4 + rank) for rank in range(len(TOWNS)))

STREET_KINDS = pool(
    ("Rua ", "Rua ", "Rua ", "Rua ", "Avenida ", "Avenida ", "Travessa ", "Alameda ", "Praça ", "R. ")
)
STREETS = pool(
    (
        "Aimorés",
        "Barão do Rio Branco",
        "Castro Alves",
        "Coronel José Leão",
        "da Aclamação",
        "da Conceição",
        "da Glória",
        "das Acácias",
        "das Flores",
        "das Palmeiras",
        "do Comércio",
        "do Sol",
        "Dom Pedro II",
        "Doutor Álvaro Câmara",
        "Duque de Caxias",
        "Floriano Peixoto",
        "Getúlio Vargas",
        "Gonçalves Dias",
        "Hermínia Câmara",
        "Ipê-Amarelo",
        "José Bonifácio",
        "Machado de Assis",
        "Marechal Deodoro",
        "Monsenhor João Luís",
        "Nossa Senhora das Graças",
        "Padre Antônio Vieira",
        "Professora Zulmira; antiga Rua 7",
        "Quinze de Novembro",
        "Rui Barbosa",
        "Santa Luzia",
        "Santos Dumont",
        "São Francisco",
        "São João",
        "Sete de Setembro",
        "Tiradentes",
        "Treze de Maio",
        "Vinte e Cinco de Março",
        "Visconde de Mauá",
        "Vitória-Régia",
        "Voluntários da Pátria",
    )
)
DISTRICTS = phrases(
    "Aeroporto Alvorada Boa_Vista Bom_Jesus Cavalhada Centro Cidade_Nova Consolação Coqueiros "
    "Engenho_Velho Floresta Glória Jardim_América Jardim_das_Oliveiras Jardim_São_Paulo Liberdade "
    "Mangabeiras Morada_do_Sol Nova_Esperança Parque_Industrial Pituba Planalto Praia_do_Canto "
    "Santa_Efigênia Santa_Mônica Santo_Antônio São_Cristóvão São_José Tijuca Vila_Conceição Vila_Nova"
)
COMPLEMENTS = pool(
    (
        *("Apto 101", "Apto 1203", "Bloco B", "Bloco C; ap. 12", 'Casa "dos fundos"', "Fundos", "Loja 2"),
        *("Fundos\r\nPortão azul", "Sala 905", "Lote 14", "N/A", "NAO INFORMADO", "NA", "  "),
    )
)
FOREIGN_STREETS = pool(("1630 Margaret St", "Calle Florida 877", "Rua Augusta 12, Lisboa", "Königsallee 27"))
