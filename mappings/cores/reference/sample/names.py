"""Words to invent people, companies and free text from; every combination of them is fiction."""

from __future__ import annotations

import unicodedata

from mappings.cores.reference.sample.draw import phrases, pool

WOMEN = phrases(
    "Adriana Alessandra Aline Amanda Ana Andréa Ângela Antônia Aparecida Beatriz Bianca Bruna Camila "
    "Carla Carolina Cecília Célia Cláudia Conceição Cristiane Daniela Débora Denise Edna Elaine Eliana "
    "Elisângela Estér Fabiana Fátima Fernanda Flávia Francisca Gabriela Giovanna Gisele Helena Heloísa "
    "Inês Isabel Isadora Ivone Jacqueline Janaína Jéssica Joana Josefa Júlia Juliana Karina Larissa Laura "
    "Letícia Lívia Lúcia Luciana Luíza Manuela Márcia Maria Mariana Marlene Marília Mônica Natália Neusa "
    "Nívea Patrícia Paula Priscila Raimunda Raquel Regina Renata Rita Roberta Rosângela Rute Sabrina "
    "Sandra Sílvia Simone Sônia Sueli Tânia Tatiane Teresa Thaís Valéria Vanessa Vera Verônica Vitória "
    "Viviane Yasmin Zélia"
)
MEN = phrases(
    "Adão Adriano Alan Alexandre Anderson André Antônio Arthur Augusto Benedito Bernardo Bruno Caio "
    "Carlos Cauã Célio César Cícero Cláudio Cristiano Daniel Davi Diego Douglas Édson Eduardo Elias "
    "Emanuel Enzo Érico Fábio Felipe Fernando Flávio Francisco Gabriel Geraldo Gilberto Guilherme Gustavo "
    "Heitor Henrique Hugo Igor Ítalo Ivan Jairo João Joaquim Jonas Jorge José Júlio Júnior Leandro "
    "Leonardo Lorenzo Luan Lucas Luís Manoel Marcelo Márcio Marcos Mário Mateus Maurício Miguel Moisés "
    "Murilo Nélson Otávio Paulo Pedro Rafael Raimundo Raul Reinaldo Renato Ricardo Roberto Rodrigo "
    "Rogério Rômulo Samuel Sebastião Sérgio Severino Sílvio Thiago Tomás Ulisses Valdir Vicente Vinícius "
    "Vítor Wagner Wellington William Yuri"
)
SURNAMES = phrases(
    "Abreu Aguiar Albuquerque Almeida Alves Amaral Andrade Antunes Araújo Arruda Assis Assunção Azevedo "
    "Barbosa Barreto Barros Batista Bezerra Borges Braga Brandão Brito Caetano Caldeira Câmara Campos "
    "Cardoso Carneiro Carvalho Castro Cavalcanti Chagas Coelho Conceição Cordeiro Corrêa Costa Coutinho "
    "Cruz Cunha D'Ávila Damasceno Dantas Dias Diniz Domingues Duarte Esteves Falcão Faria Fernandes "
    "Ferraz Ferreira Figueiredo Fonseca Fontes Franco Freire Freitas Furtado Galvão Garcia Gomes "
    "Gonçalves Gouveia Guedes Guimarães Gusmão Jesus Lacerda Leal Leão Leite Lemos Lima Lopes Macedo "
    "Machado Magalhães Maia Marinho Marques Martins Matos Medeiros Meireles Melo Mendes Mendonça Menezes "
    "Miranda Monteiro Morais Moreira Mota Moura Muniz Nascimento Neves Nóbrega Nogueira Novaes Nunes "
    "Oliveira Pacheco Paiva Peixoto Pereira Pimentel Pinheiro Pinto Pires Portela Prado Queirós Ramos "
    "Rebouças Rezende Ribeiro Rios Rocha Rodrigues Sá Sales Salgado Sampaio Santana Santos Saraiva Seixas "
    "Serra Silva Silveira Simões Siqueira Soares Souza Tavares Teixeira Teles Toledo Torres Trindade Vale "
    "Vasconcelos Vaz Veloso Viana Vidal Vieira Xavier"
)
PARTICLES = pool([" ", " ", " ", " ", " ", " da ", " de ", " dos ", " do "])
FOREIGN_GIVEN = phrases(
    "Aisha Akira Amélie Björn Camille Chen Chiara Diego Dolores Elena Fatima François Giulia Günther "
    "Hiroshi Ibrahim Ingrid Jean Jürgen Kenji Lucía Marguerite Mateo Mei Mohammed Núria Omar Pablo Rashid "
    "Søren Sofía Ximena"
)
FOREIGN_SURNAMES = phrases(
    "Benítez Bianchi Córdova Diallo Dubois Fernández García Gómez González Haddad Hernández Kim Kowalski "
    "Lefèvre Li Müller Muñoz Nakamura Nguyen Núñez O'Connor Pérez Quispe Rossi Sánchez Schäfer Smith "
    "Suzuki Torres Wang"
)

# alpha-3, name in Portuguese, calling code, a document that its citizens have (up to ten characters)
COUNTRIES = (
    ("AGO", "Angola", "244", "BI"),
    ("ARG", "Argentina", "54", "DNI"),
    ("BOL", "Bolívia", "591", "CEDULA"),
    ("CAN", "Canadá", "1", "SIN"),
    ("CHL", "Chile", "56", "CEDULA"),
    ("CHN", "China", "86", "PASSAPORTE"),
    ("COL", "Colômbia", "57", "CEDULA"),
    ("DEU", "Alemanha", "49", "AUSWEIS"),
    ("ESP", "Espanha", "34", "DNI"),
    ("FRA", "França", "33", "CNI"),
    ("GBR", "Reino Unido", "44", "PASSAPORTE"),
    ("HTI", "Haiti", "509", "PASSAPORTE"),
    ("ITA", "Itália", "39", "CARTA ID"),
    ("JPN", "Japão", "81", "PASSAPORTE"),
    ("KOR", "Coreia do Sul", "82", "PASSAPORTE"),
    ("LBN", "Líbano", "961", "PASSAPORTE"),
    ("PER", "Peru", "51", "DNI"),
    ("PRT", "Portugal", "351", "CARTAO CID"),
    ("PRY", "Paraguai", "595", "CEDULA"),
    ("SYR", "Síria", "963", "PASSAPORTE"),
    ("URY", "Uruguai", "598", "CEDULA"),
    ("USA", "Estados Unidos", "1", "SSN"),
    ("VEN", "Venezuela", "58", "CEDULA"),
)
COUNTRY_CODES, COUNTRY_NAMES, CALLING_CODES, COUNTRY_DOCUMENTS = (
    pool(column) for column in zip(*COUNTRIES, strict=True)
)

BUSINESS_WORDS = phrases(
    "Aurora Beija-Flor Boa_Esperança Bom_Jesus Cajueiro Candeia Capim_Dourado Casa_Nova Cerrado Dois_Irmãos "
    "Estrela Flor_do_Campo Guará Horizonte Ipê_Amarelo Jacarandá Juriti Lagoa_Azul Lua_Cheia Mandacaru "
    'Maré_Alta Nova_Era Oficina_"do_Zé" Pão_Quente Pedra_Branca Planalto Ponto_Certo '
    "Primavera Quatro_Estações Sabiá São_Judas Serra_Verde Sol_Nascente Três_Corações Tucano "
    "Vale_do_Sol Vitória-Régia"
)
ACTIVITIES = pool(
    (
        "Comércio de Alimentos",
        "Comércio de Confecções",
        "Comércio e Serviços",
        "Construções",
        "Consultoria Empresarial",
        "Distribuidora de Bebidas",
        "Engenharia",
        "Farmácia",
        "Indústria de Móveis",
        "Materiais de Construção",
        "Mecânica de Automóveis",
        "Padaria e Confeitaria",
        "Participações",
        "Produção Agropecuária",
        "Restaurante",
        "Serviços Médicos",
        "Soluções em Informática",
        "Transportes e Logística",
    )
)
LEGAL_FORMS = pool(("Ltda", "LTDA", "Ltda - ME", "LTDA EPP", "S.A.", "S/A", "EIRELI", "& Filhos Ltda"))
PARTNER_FORMS = pool(
    ("Holding Ltda", "Investimentos S.A.", "Participações Ltda", "Administração de Bens Ltda")
)

OCCUPATIONS_RECEITA = pool(
    ["111", "120", "131", "215", "231", "254", "311", "412", "513", "621", "724", "951"]
)
OCCUPATIONS_CBO = phrases(
    "1421-05 2124-05 2231-25 2251-25 2312-05 2410-05 2521-05 4110-10 5143-20 5211-10 7152-10"
)
OCCUPATIONS_OTHER = pool(
    ("Aposentada", "Artesão", "Estudante", "Trabalhador rural; sazonal", 'Motorista "de aplicativo"')
)

CNAES = phrases(
    "0111301 0151201 0161003 1091102 1412601 2511000 3101200 4120400 4399103 4520001 4530703 4711302 "
    "4712100 4721102 4744099 4753900 4771701 4781400 4789099 4923001 4930202 5611201 5611203 6201501 "
    "6202300 6311900 6810201 6911701 6920601 7020400 7112000 7319002 7490104 8121400 8211300 8220200 "
    "8511200 8599604 8630503 8650004 9313100 9511800 9602501 9609299"
)

FREE_PRODUCTS = pool(
    (
        "Consórcio imobiliário",
        "Cofre de aluguel; agência central",
        'Clube de vantagens "Prata"',
        "Título de capitalização",
        "Cobrança registrada\r\nPagamento de tributos",
    )
)
FREE_FREQUENCIES = pool(
    ("Por safra", "Conforme contrato; sem data fixa", 'Por "projeto" entregue', "A cada 45 dias")
)
PHONE_NOTES = pool(
    ("Recado com a vizinha", "Trabalho; ramal da portaria", "Rural", 'Falar com "Dona Zefa"', "Portaria")
)

# An invented group's own numbers; those of the banks that detain salaries are real and public.
OWN_ROOTS = (97_531_864, 8_642_975, 86_420_135)
DETAINER_ROOTS = (60_701_190, 60_746_948, 90_400_888, 360_305, 92_702_067, 18_236_120, 416_968)


def ascii_lower(word: str) -> str:
    """Write a word with small letters without accents.

    >>> ascii_lower("D'Ávila")
    'davila'
    """
    plain = unicodedata.normalize("NFKD", word).encode("ascii", "ignore").decode("ascii")
    return "".join(letter for letter in plain.lower() if letter.isalpha())


MAIL_WORDS = pool([ascii_lower(word) for words in (WOMEN, MEN, SURNAMES) for word in words.to_pylist()])
