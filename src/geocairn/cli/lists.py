"""Options that hold several values with commas between."""

from typing import TypeVar

from geocairn.errors import BadConfig

Number = TypeVar("Number", int, float)


def words_of(option: str, text: str, wanted: str) -> list[str]:
    """The words of an option, at least one, without the spaces around them.

    Args:
        option: as it is typed, such as `--by`.
        text: what stands after it.
        wanted: what is to stand there, for the message.

    Raises:
        BadConfig: there is no word, or one is empty.
    """
    words = [word.strip() for word in text.split(",")]
    if not all(words):
        raise BadConfig(f"{option} {text!r}: a value is empty; give {wanted}")
    return words


def numbers_of(option: str, text: str, kind: type[Number], wanted: str) -> list[Number]:
    """The numbers of an option, at least one.

    Args:
        option, text, wanted: as `words_of` has them.
        kind: int or float.

    Raises:
        BadConfig: there is none, or a word is no such number.

    >>> numbers_of("--t-max", "500, 100", int, "whole numbers")
    [500, 100]
    """
    numbers = []
    for word in words_of(option, text, wanted):
        try:
            numbers.append(kind(word))
        except ValueError:
            raise BadConfig(f"{option} {text}: {word!r} is no {'whole number' if kind is int else 'number'}; give {wanted}") from None
    return numbers
