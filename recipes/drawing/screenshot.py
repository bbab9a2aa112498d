"""A picture that is no photograph: the screen of a computer that shows a booking."""

from PIL import Image, ImageDraw

from drawing.lettering import font
from drawing.panel import Colour

INK, GREY, BLUE, PAPER = (32, 36, 42), (120, 126, 134), (24, 100, 200), (255, 255, 255)
ROWS = [
    ("08:14", "Praha hlavní nádraží"),
    ("09:52", "Ústí nad Labem"),
    ("10:31", "Dresden Hauptbahnhof"),
    ("12:48", "Berlin Südkreuz"),
    ("13:02", "Berlin Hauptbahnhof"),
]


def screenshot() -> Image.Image:
    """A page of a railway booking in a browser."""
    image = Image.new("RGB", (1024, 768), (238, 240, 243))
    draw = ImageDraw.Draw(image)

    def words(x: int, y: int, line: str, size: int, colour: Colour = INK, face: str = "noto") -> None:
        draw.text((x, y), line, colour, font(face, size), anchor="lm")

    draw.rectangle((0, 0, 1023, 43), (222, 225, 230))
    for x, colour in ((24, (236, 106, 94)), (46, (244, 190, 79)), (68, (98, 197, 84))):
        draw.ellipse((x - 7, 15, x + 7, 29), colour)
    draw.rounded_rectangle((110, 8, 900, 36), 14, PAPER)
    words(130, 22, "https://tickets.example/booking/48213", 15, GREY)
    draw.rectangle((0, 44, 1023, 107), BLUE)
    words(48, 76, "Your trip to Berlin", 30, PAPER, "noto bold")
    draw.rounded_rectangle((48, 140, 640, 700), 10, PAPER, (214, 218, 224))
    words(80, 180, "Friday 12 September", 22, INK, "noto bold")
    draw.line((80, 212, 608, 212), (226, 229, 233))
    for index, (time, stop) in enumerate(ROWS):
        y = 262 + 88 * index
        words(80, y, time, 24, INK, "noto bold")
        draw.ellipse((184, y - 7, 198, y + 7), BLUE)
        if index:
            draw.line((191, y - 81, 191, y - 7), BLUE, 3)
        words(226, y, stop, 22)
        words(226, y + 30, "Platform on the day", 15, GREY)
    draw.rounded_rectangle((672, 140, 976, 420), 10, PAPER, (214, 218, 224))
    words(700, 180, "Price", 22, INK, "noto bold")
    for index, (label, price) in enumerate((("2 adults", "49,80 €"), ("2 seats", "9,00 €"), ("Total", "58,80 €"))):
        words(700, 232 + 44 * index, label, 18, GREY)
        words(860, 232 + 44 * index, price, 18, INK, "noto bold")
    draw.rounded_rectangle((700, 356, 948, 400), 8, BLUE)
    words(752, 377, "Show my tickets", 18, PAPER, "noto bold")
    return image
