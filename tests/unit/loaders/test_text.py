"""Bytes to text: encodings, line ends, and what is no text."""

import contextlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentkit.errors import DocumentError
from agentkit.loaders.text import decode, normalize
from tests.unit.loaders.conftest import Load, Refusal

RUSSIAN = "Лампа потребляет сорок один ватт при полной яркости. "
JAPANESE = "日本語のテキストです。これは長い文章。\n"
CHINESE = "中文文本很长。灯的功率是四十一瓦。\n"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("café", "latin-1"),
        ("Das Gerät kostet 41 € – “gut” für Müller", "cp1252"),
        ("Le château de Fénelon, où les élèves dînaient.", "latin-1"),
        ("El niño comió piñas en el año 1999.", "latin-1"),
        ("Blåbærgrød på øen", "cp1252"),
        ("Zażółć gęślą jaźń. Lampa pobiera czterdzieści jeden watów.", "cp1250"),
        (RUSSIAN * 3, "cp1251"),
        (RUSSIAN * 3, "koi8-r"),
        ("램프는 41와트를 소비합니다. 매우 밝습니다.", "euc_kr"),
        (CHINESE * 4000, "gb18030"),
        (JAPANESE * 4000, "cp932"),
        ("plain text", "utf-16"),
        ("plain text, as PowerShell writes it\n", "utf-16-le"),
        ("plain text\n", "utf-16-be"),
        ("naïve – 日本", "utf-8-sig"),
        ("naïve – 日本", "utf-32"),
    ],
)
def test_text_is_read_whatever_its_encoding(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding))[0] == text


@pytest.mark.parametrize(
    ("text", "encodings"),
    [
        ("Wszyscy ludzie rodzą się wolni i równi. Są obdarzeni rozumem i powinni żyć w zgodzie.", "cp1250 iso8859_2"),
        ("Proszę przesłać fakturę za usługę.", "cp1250 iso8859_2"),
        ("Děkuji za zprávu, odpovím zítra.", "cp1250 iso8859_2"),
        ("Všichni lidé rodí se svobodní a sobě rovní co do důstojnosti a práv.", "cp1250 iso8859_2"),
        ("Az emberek egymással szemben testvéri szellemben kell hogy viseltessenek, egyenlő, jövő, fűszer.", "cp1250"),
        ("Sva ljudska bića rađaju se slobodna i jednaka, obdarena razumom i sviješću.", "cp1250 iso8859_2"),
        ("Toplantı pazartesi günü saat onda yapılacak.", "cp1254"),
        ("Visi žmonės gimsta laisvi ir lygūs savo orumu ir teisėmis.", "cp1257"),
        ("L’été dernier – où étiez-vous, mon cœur ? À 40 €.", "cp1252"),
        ("Maß: 3 µm × 5 m² ± 2 °C, Stück ½, „geprüft“ nach § 5", "cp1252"),
        ("A reunião será amanhã às dez; não há informações, 1ª edição, nº 5.", "cp1252"),
        ("Hver maður er borinn frjáls og jafn öðrum að virðingu og réttindum; þau öll.", "cp1252"),
        ("piñata & crêpe", "cp1252"),
        ("señor Núñez à la carte in Ålesund", "cp1252"),
    ],
)
def test_the_latin_encodings_are_told_apart_by_alphabets(text: str, encodings: str) -> None:
    for encoding in encodings.split():
        assert decode(text.encode(encoding))[0] == text


def test_an_encoding_is_told_by_a_character_far_into_the_file() -> None:
    text, _ = decode(b"plain line\n" * 20_000 + "café\n".encode("latin-1"))
    assert text.endswith("café\n")


def test_one_bad_byte_does_not_change_the_encoding_of_a_utf8_file() -> None:
    text, encoding = decode("größer – für 41 €. ".encode() * 20 + b"\xff end")
    assert encoding == "utf-8"
    assert text.startswith("größer – für 41 €.")
    assert text.endswith("\ufffd end")


def test_what_a_file_declares_is_used_where_it_is_not_utf8(load: Load) -> None:
    hebrew = "# -*- coding: cp1255 -*-\nname = 'המנורה'\n"
    document = load("a.py", hebrew.encode("cp1255"))
    assert document.page_content == hebrew
    assert document.metadata["encoding"] == "cp1255"


SHIFTED = "日本語のメール、ﾃｽﾄ".encode("iso2022_jp_ext")


@pytest.mark.parametrize("declared", ["", "iso-2022-jp", "utf-8"])
def test_japanese_between_escape_sequences_is_told_by_them(declared: str) -> None:
    assert decode(SHIFTED, declared=declared)[0] == "日本語のメール、ﾃｽﾄ"
    assert decode(b"\x1b$B-!F|K\\\x1b(B", declared=declared)[0] == "\ufffd日本"


@pytest.mark.parametrize("encoding", ["hz", "utf-7"])
def test_what_is_ascii_in_its_bytes_is_read_as_declared(encoding: str) -> None:
    assert decode("中文 é".encode("utf-7"), declared="utf-7")[0] == "中文 é"
    assert decode("中文".encode("hz"), declared="hz")[0] == "中文"
    assert decode(b"~{ 1 + 1 +!", declared=encoding)[0] == "~{ 1 + 1 +!"


def test_escape_sequences_of_a_terminal_are_no_japanese() -> None:
    assert decode(b"\x1b[1mlamp\x1b(B\x1b[m")[0] == "\x1b[1mlamp\x1b(B\x1b[m"


def test_latin_1_is_read_as_windows_does() -> None:
    assert decode("“41 €”".encode("cp1252"), declared="iso-8859-1") == ("“41 €”", "cp1252")


@pytest.mark.parametrize("declared", ["ascii", "no-such-encoding", "hex", "a\0b"])
def test_a_declared_encoding_that_says_nothing_is_passed_over(declared: str) -> None:
    assert decode((RUSSIAN * 3).encode("koi8-r"), declared=declared)[0] == (RUSSIAN * 3)


def test_line_ends_are_one_kind_and_nuls_are_gone() -> None:
    assert normalize("a\r\nb\rc\nd\0e") == "a\nb\nc\nde"


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n\t"), min_size=1))
def test_any_utf8_text_is_read_unchanged(text: str) -> None:
    if text.strip() and not text.startswith("\ufeff"):
        assert decode(text.encode("utf-8")) == (text, "utf-8")


@given(st.text())
def test_normal_text_can_be_stored_and_is_left_as_it_is(text: str) -> None:
    once = normalize(text)
    assert normalize(once) == once
    assert "\0" not in once
    assert "\r" not in once
    once.encode("utf-8")


@given(st.binary())
def test_any_bytes_are_text_or_refused(data: bytes) -> None:
    with contextlib.suppress(DocumentError):
        text, encoding = decode(data)
        assert text.strip()
        assert encoding


@pytest.mark.parametrize(
    "data",
    [
        bytes(range(256)) * 40,
        random.Random(1).randbytes(20_000),
        b"\x89PNG\r\n\x1a\n" + random.Random(2).randbytes(5000),
        b"\x7fELF\x02\x01\x01" + bytes(500),
        b"\xff\xfe" + random.Random(3).randbytes(4000),
        b"a few words and then\x00\x01\x02\x03\x04",
    ],
)
def test_binary_that_is_called_text_is_refused(refusal: Refusal, data: bytes) -> None:
    assert refusal("a.txt", data)


def test_a_stray_control_character_does_not_make_a_short_note_binary() -> None:
    assert decode(b"a\x0bb\x0c\x1b[31mred\x07")[0] == "a\x0bb\x0c\x1b[31mred\x07"


def test_a_file_of_nothing_says_so(refusal: Refusal) -> None:
    assert refusal("a.txt", b"") == "empty file"
    assert refusal("a.txt", b" \n\t\r\n") == "no text in it"


def test_a_picture_within_a_text_is_none_of_it(load: Load) -> None:
    data = "iVBORw0KGgo/+" * 20_000
    text = f"![Lamp](data:image/png;base64,{data}==) shines.\n\n[1]: <data:image/svg+xml;charset=utf-8;base64,{data}>\n"
    assert load("a.md", text).page_content == (
        "![Lamp](data:image/png;base64,…) shines.\n\n[1]: <data:image/svg+xml;charset=utf-8;base64,…>\n"
    )
    short = "Write data:text/plain;base64,SGVsbG8= for it, or data:, for nothing.\n"
    assert load("a.md", short).page_content == short
