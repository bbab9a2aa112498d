"""The text of a photo or hint: lines of words and where they stand. What every text clue reads."""

from dataclasses import dataclass

from geocairn.clues.clue import Box


@dataclass(frozen=True)
class Line:
    """One line of text.

    Attributes:
        text: the words as read.
        confidence: in [0, 1], the reader's own; 1 for a hint.
        box_px: left, top, right, bottom in pixels of the upright photo; None for a hint.
    """

    text: str
    confidence: float
    box_px: Box | None


@dataclass(frozen=True)
class ReadText:
    """All lines of one photo (or hint), in reading order."""

    lines: tuple[Line, ...]

    @classmethod
    def of_hint(cls, words: str) -> "ReadText":
        """A user's words as text: one line per line, fully trusted reading, no boxes."""
        return cls(tuple(Line(line.strip(), 1.0, None) for line in words.splitlines() if line.strip()))

    @property
    def joined(self) -> str:
        """All lines, one under another."""
        return "\n".join(line.text for line in self.lines)
