"""Cells of tables that people open with a spreadsheet: none is taken for a formula, and reading them back gives the words again; and text that is no UTF-8."""

from pathlib import Path

_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def spreadsheet_cell(text: str) -> str:
    """A cell that no spreadsheet takes for a formula, by a leading apostrophe: what `plain_cell` undoes.

    >>> spreadsheet_cell("=a.jpg")
    "'=a.jpg"
    """
    return f"'{text}" if text.startswith(_STARTS_A_FORMULA) else text


def plain_cell(text: str) -> str:
    """A cell without the apostrophe that keeps a spreadsheet from running it as a formula.

    >>> plain_cell("'=a.jpg"), plain_cell("'a.jpg")
    ('=a.jpg', "'a.jpg")
    """
    return text[1:] if text.startswith("'") and text[1:].startswith(_STARTS_A_FORMULA) else text


def utf8_fault(path: Path) -> str:
    """Where a file is no UTF-8, in words: `not UTF-8 (byte 22, line 2: invalid continuation byte)`; bytes count from 0, lines from 1."""
    first_byte = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                return f"not UTF-8 (byte {first_byte + error.start}, line {number}: {error.reason})"
            first_byte += len(line)
    return "not UTF-8"
