from decimal import Decimal
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geocairn.export.text import decimal, encodable, encodable_tree, one_line_json, spreadsheet_text, xml_text

any_text = st.text(st.characters(exclude_categories=()))


@given(any_text)
def test_encodable_text_encodes_and_stays_what_it_was_where_it_could(text):
    encoded = encodable(text).encode("utf-8")
    if not any(0xD800 <= ord(letter) < 0xE000 for letter in text):
        assert encoded.decode("utf-8") == text


def test_encodable_reaches_every_string_of_a_tree():
    assert encodable_tree({"a": ["\udce9", 1, None, {"b": "\ud800x"}]}) == {"a": ["\\udce9", 1, None, {"b": "\\ud800x"}]}


@given(any_text)
def test_xml_text_can_be_parsed_back(text):
    element = ET.Element("t")
    element.text = xml_text(text)
    parsed = ET.fromstring(ET.tostring(element, encoding="unicode")).text or ""
    assert parsed.replace("\r", "\n") == xml_text(text).replace("\r\n", "\n").replace("\r", "\n")


@given(any_text)
def test_no_cell_starts_a_formula(text):
    cell = spreadsheet_text(text)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert cell.removeprefix("'") == encodable(text).removeprefix("'")


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_decimal_reads_back_as_the_same_number_without_an_exponent(number):
    written = decimal(number)
    assert "e" not in written.lower()
    assert float(written) == number
    Decimal(written)


@pytest.mark.parametrize("end", ["\u0085", "\u2028", "\u2029"])
def test_json_stays_on_one_line(end):
    assert one_line_json(f'"a{end}b"').splitlines() == [f'"a\\u{ord(end):04x}b"']
