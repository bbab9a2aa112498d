"""Cells of tables that people open with a spreadsheet: none is taken for a formula, and reading them back gives the words again."""

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
