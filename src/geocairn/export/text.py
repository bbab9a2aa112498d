"""Words from photos, file names and hints made fit for the formats that carry them. Nothing read from a photo is trusted."""

import json
import re
from typing import Any

import numpy as np

from geocairn.cells import spreadsheet_cell

# XML 1.0, production 2 (Char): what no escape can bring into a document.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# What turns the direction of the words around it, or cannot be seen at all: it lets a name look like another.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff\ufffe\uffff]")
_LINE_ENDS_INSIDE_JSON = str.maketrans({"\u0085": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"})
_MARKUP_INSIDE_JSON = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


def encodable(text: str) -> str:
    r"""The text with lone surrogates spelled out: a file name that is not UTF-8 reaches Python with them, and no encoder takes them.

    >>> encodable("caf\udce9.jpg")
    'caf\\udce9.jpg'
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def encodable_tree(value: Any) -> Any:
    """Dicts and lists with every string made `encodable`."""
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, dict):
        return {key: encodable_tree(item) for key, item in value.items()}
    return [encodable_tree(item) for item in value] if isinstance(value, list) else value


def one_line_json(json_text: str) -> str:
    """JSON that stays one line for every reader: U+0085, U+2028 and U+2029 are line ends to some and legal inside JSON strings."""
    return json_text.translate(_LINE_ENDS_INSIDE_JSON)


def xml_text(text: str) -> str:
    """The text with each character that XML 1.0 forbids replaced by U+FFFD; markup is escaped by the writer of the document."""
    return _NOT_XML.sub("\ufffd", text)


def display_text(text: str) -> str:
    r"""The text as it may stand among other words on a page: line ends become spaces, other control and direction marks U+FFFD. It still needs escaping.

    >>> display_text("photo\u202egpj.exe\nby me")
    'photo\ufffdgpj.exe by me'
    """
    return _UNSEEN.sub("\ufffd", " ".join(text.split()))


def script_json(values: Any) -> str:
    r"""JSON in ASCII without any character that could end a script element or start a comment or entity in it.

    >>> script_json({"a": "</script>&é"})
    '{"a":"\\u003c/script\\u003e\\u0026\\u00e9"}'
    """
    text = json.dumps(values, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.translate(_MARKUP_INSIDE_JSON)


def spreadsheet_text(text: str) -> str:
    """The text as a cell that no spreadsheet takes for a formula: one that starts like a formula gets a leading apostrophe.

    >>> spreadsheet_text("=HYPERLINK(1)")
    "'=HYPERLINK(1)"
    """
    return spreadsheet_cell(encodable(text))


def decimal(number: float) -> str:
    """The shortest decimal that reads back as the same number, never with an exponent, which `xsd:decimal` does not know.

    >>> decimal(1e-05), decimal(-0.0), decimal(48.85)
    ('0.00001', '0', '48.85')
    """
    return str(np.format_float_positional(number + 0.0, trim="-"))
