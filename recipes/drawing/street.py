"""Houses, ground, poles and what else stands in a street."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from drawing.camera import Point, Quad
from drawing.materials import rgb, soft_shadow, stones
from drawing.noise import Plane, fractal
from drawing.panel import Colour, Panel, cut_out, opaque


@dataclass(frozen=True)
class House:
    """How a house looks.

    Attributes:
        wall, trim, frame: colours of the wall, of what frames the windows, of the windows themselves.
        shutter: colour of shutters; None for none.
        floor_m: height of a floor above the ground floor.
        bay_m: from window to window.
        is_brick: bricks instead of plaster.
        has_balconies: iron railings before the windows.
    """

    wall: Colour
    trim: Colour = (222, 214, 198)
    frame: Colour = (235, 232, 224)
    shutter: Colour | None = None
    floor_m: float = 3.3
    bay_m: float = 2.6
    ground_m: float = 3.8
    window_m: tuple[float, float] = (1.1, 1.9)
    is_brick: bool = False
    has_balconies: bool = False


def facade(
    rng: np.random.Generator, house: House, width_m: float, height_m: float, *, px_per_m: float = 56, door_at: float | None = None, has_ground: bool = True
) -> Panel:
    """A house front: windows in rows, a cornice, a plinth; a ground floor with windows and a door where it has no shop."""
    panel = Panel(width_m, height_m, house.wall, px_per_m=px_per_m)
    if house.is_brick:
        _lay_bricks(rng, panel, house.wall)
    panel.weather(rng, mottle=0.035, streaks=0.025)
    n_bays = max(int(width_m / house.bay_m), 1)
    starts = (np.arange(n_bays) + 0.5) * width_m / n_bays
    panel.box(0, 0, width_m, 0.45, house.trim, 38)
    panel.box(0, 0.45, width_m, 0.18, house.trim, 20)
    for x in np.arange(0.15, width_m, 0.42):
        panel.box(x, 0.45, 0.18, 0.26, house.trim, 32)
    top = height_m - house.ground_m - house.floor_m + 0.45 * (house.floor_m - house.window_m[1])
    while top > 1.0:
        for x in starts:
            window(rng, panel, x - house.window_m[0] / 2, top, *house.window_m, house)
        top -= house.floor_m
    base = height_m - house.ground_m
    panel.box(0, base - 0.1, width_m, 0.28, house.trim, 14)
    if has_ground:
        for index, x in enumerate(starts):
            if door_at is not None and index == int(door_at * n_bays):
                door(panel, x, height_m, rng)
            else:
                window(rng, panel, x - house.window_m[0] / 2, base + 0.9, house.window_m[0], min(house.window_m[1], house.ground_m - 2.0), house)
    panel.box(0, height_m - 0.6, width_m, 0.6, _darker(house.trim, 0.72), 6)
    panel.weather(rng, mottle=0.035, streaks=0.03, grain=0.02)
    return panel


def window(rng: np.random.Generator, panel: Panel, x: float, y: float, width: float, height: float, house: House) -> None:
    """A window in its reveal: surround, sill, glass that mirrors the sky, curtains, shutters or a railing."""
    panel.box(x - 0.14, y - 0.2, width + 0.28, height + 0.2, house.trim, 4)
    panel.box(x - 0.2, y - 0.32, width + 0.4, 0.16, house.trim, 12)
    panel.box(x, y, width, height, house.frame, -16)
    glass(rng, panel, x + 0.07, y + 0.07, width - 0.14, height - 0.14)
    panel.box(x + width / 2 - 0.045, y, 0.09, height, house.frame, -12)
    panel.box(x, y + height * 0.3, width, 0.07, house.frame, -12)
    panel.box(x - 0.2, y + height, width + 0.4, 0.12, house.trim, 16)
    if house.shutter is not None:
        for left in (x - 0.14 - width / 2, x + width + 0.14):
            panel.box(left, y, width / 2, height, house.shutter, 6)
            for slat in np.arange(y + 0.1, y + height - 0.08, 0.1):
                panel.box(left + 0.06, slat, width / 2 - 0.12, 0.045, _darker(house.shutter, 0.8), 4)
    if house.has_balconies:
        panel.box(x - 0.35, y + height, width + 0.7, 0.14, house.trim, 40)
        for bar in np.arange(x - 0.32, x + width + 0.33, 0.11):
            panel.box(bar, y + height - 0.85, 0.03, 0.85, (38, 40, 44), 34)
        panel.box(x - 0.35, y + height - 0.88, width + 0.7, 0.05, (38, 40, 44), 36)


def glass(
    rng: np.random.Generator, panel: Panel, x: float, y: float, width: float, height: float, *, inside: Colour = (52, 56, 62), has_drapes: bool = True
) -> None:
    """A pane: dark below, sky above, blurred things behind it."""
    left, top, right, bottom = (round(value * panel.px_per_m) for value in (x, y, x + width, y + height))
    if right - left < 2 or bottom - top < 2:
        return
    shape = (bottom - top, right - left)
    mirror = np.linspace(rng.uniform(0.35, 0.75), 0.02, shape[0])[:, None] + 0.12 * fractal(rng, *shape, coarsest_px=max(shape[1] * 0.7, 4), n_octaves=3)
    mirror = np.clip(mirror, 0, 0.85)[..., None]
    room = rgb(inside) * (1 + 0.25 * fractal(rng, *shape, coarsest_px=max(shape[1] * 0.4, 4), n_octaves=4))[..., None]
    if has_drapes and rng.random() < 0.55:
        drape = max(int(shape[1] * rng.uniform(0.1, 0.3)), 1)
        folds = 0.62 + 0.08 * np.sin(np.arange(shape[1]) * 0.9)[None, :, None]
        room[:, :drape], room[:, -drape:] = folds[:, :drape], folds[:, -drape:]
    pixels = np.clip(room * (1 - mirror) + rgb((186, 204, 222)) * mirror, 0, 1)
    panel.colour.paste(Image.fromarray((255 * pixels).astype(np.uint8)), (left, top))
    panel.box(x, y, width, height, None, -16)


def door(panel: Panel, x: float, height_m: float, rng: np.random.Generator, colour: Colour = (86, 58, 40)) -> None:
    """A wooden door with a light above."""
    panel.box(x - 0.78, height_m - 2.95, 1.56, 2.95, (206, 198, 182), 6)
    panel.box(x - 0.6, height_m - 2.75, 1.2, 2.75, colour, -18)
    glass(rng, panel, x - 0.5, height_m - 2.68, 1.0, 0.5)
    for left in (x - 0.5, x + 0.06):
        for top, tall in ((height_m - 2.05, 0.85), (height_m - 1.05, 0.85)):
            panel.box(left, top, 0.44, tall, _darker(colour, 0.85), -22)
    panel.disc(x + 0.02, height_m - 1.1, 0.045, (196, 168, 92), -8)


def shop(
    rng: np.random.Generator,
    panel: Panel,
    x: float,
    width: float,
    *,
    foot_m: float,
    colour: Colour,
    goods: Sequence[Colour],
    goods_shape: tuple[float, float] = (1.5, 0.45),
    tall: float = 3.3,
) -> None:
    """A shop front at the foot of a wall: a fascia still without words, a window with goods on shelves, a door at its right end.

    Args:
        foot_m: height of the wall below the window.
        goods: their colours.
        goods_shape: their width and their roundness, as shares of their height.
        tall: height of the front.
    """
    top = panel.height_m - tall
    panel.box(x, top, width, tall, colour, 8)
    panel.box(x - 0.05, top - 0.12, width + 0.1, 0.14, _darker(colour, 0.8), 26)
    panel.box(x + 0.08, top + 0.1, width - 0.16, 0.62, _darker(colour, 0.9), 5)
    door_m, glass_top = 1.15, top + 0.95
    pane = width - door_m - 0.75
    floor = panel.height_m - foot_m
    panel.box(x + 0.2, glass_top, pane, floor - glass_top, (30, 28, 26), -20)
    glass(rng, panel, x + 0.25, glass_top + 0.05, pane - 0.1, floor - glass_top - 0.1, inside=(94, 78, 60), has_drapes=False)
    for shelf in np.linspace(glass_top + 0.75, floor - 0.12, 3):
        panel.box(x + 0.25, shelf, pane - 0.1, 0.05, (150, 128, 96), -24)
        at = x + 0.35
        while at < x + pane - 0.25:
            tall_m = float(rng.uniform(0.13, 0.26))
            wide_m = tall_m * goods_shape[0] * float(rng.uniform(0.65, 1.15))
            tint, tone = goods[int(rng.integers(len(goods)))], float(rng.uniform(0.75, 1.05))
            panel.rounded(at, shelf - tall_m, wide_m, tall_m, tall_m * goods_shape[1] * min(1.0, goods_shape[0]), _darker(tint, tone * 0.8), -20)
            panel.rounded(at + wide_m * 0.08, shelf - tall_m * 0.97, wide_m * 0.84, tall_m * 0.6, tall_m * goods_shape[1] * 0.6, _darker(tint, tone))
            at += wide_m + (0.012 if goods_shape[0] < 0.5 else float(rng.uniform(0.02, 0.12)))
    panel.box(x + width - door_m - 0.3, glass_top, door_m, panel.height_m - glass_top, _darker(colour, 0.85), -22)
    glass(rng, panel, x + width - door_m - 0.15, glass_top + 0.12, door_m - 0.3, panel.height_m - glass_top - 0.75, inside=(70, 60, 50), has_drapes=False)


def screws(panel: Panel, inset: float, colour: Colour = (150, 150, 148)) -> None:
    """A screw in each corner, its slot at an angle."""
    for x in (inset, panel.width_m - inset):
        for y in (inset, panel.height_m - inset):
            panel.disc(x, y, inset * 0.38, colour, 1.4)
            slot = [(-0.3, -0.2), (0.3, 0.14), (0.3, 0.24), (-0.3, -0.1)]
            panel.polygon([(x + inset * right, y + inset * down) for right, down in slot], (70, 70, 70))


def enamel(panel: Panel, rng: np.random.Generator, *, gloss: float = 0.16) -> Plane:
    """Texture of an enamelled plate: glossy from above, with a few spots of rust at its edge."""
    for _ in range(7):
        side, along = rng.integers(2), rng.uniform(0, panel.width_m)
        panel.disc(along, panel.height_m * (0.012 if side else 0.988), rng.uniform(0.002, 0.009) * panel.height_m * 2, (116, 72, 44))
    panel.weather(rng, mottle=0.03, streaks=0.02, grain=0.015)
    texture = panel.texture()
    height, width = texture.shape[:2]
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j].astype(np.float32)
    shine = gloss * np.exp(-(((y - 0.12 - 0.25 * x) / 0.22) ** 2)) + 0.05 * (1 - y)
    texture[..., :3] = texture[..., :3] * (1 - shine[..., None]) + shine[..., None]
    return texture


def facing(texture: Plane, left: float, top: float, depth: float, width: float, height: float, *, light: float = 1.0, is_decal: bool = False) -> Quad:
    """An upright rectangle across the view."""
    return Quad(texture, (left, top, depth), (width, 0, 0), (0, -height, 0), light=light, is_decal=is_decal)


def on_left(texture: Plane, x: float, start: float, width: float, height: float, *, top: float | None = None, light: float = 1.0) -> Quad:
    """An upright rectangle along the left side of the view."""
    return Quad(texture, (x, height if top is None else top, start), (0, 0, width), (0, -height, 0), light=light)


def on_right(texture: Plane, x: float, start: float, width: float, height: float, *, top: float | None = None, light: float = 1.0) -> Quad:
    """An upright rectangle along the right side of the view."""
    return Quad(texture, (x, height if top is None else top, start + width), (0, 0, -width), (0, -height, 0), light=light)


def floor(
    texture: Plane,
    left: float,
    start: float,
    width: float,
    length: float,
    *,
    tile_m: float | None = None,
    level: float = 0.0,
    light: float = 1.0,
    is_decal: bool = False,
) -> Quad:
    """A rectangle on the ground, tiled where `tile_m` is given."""
    repeat = (width / tile_m, length / tile_m) if tile_m is not None else (1.0, 1.0)
    return Quad(texture, (left, level, start + length), (width, 0, 0), (0, 0, -length), repeat, light, is_decal)


def kerb(texture: Plane, x: float, start: float, length: float, *, road_is_left: bool, level: float = 0.14) -> list[Quad]:
    """Kerb stones along the view: their face and their top."""
    face = on_right if road_is_left else on_left
    top = floor(texture, x if road_is_left else x - 0.16, start, 0.16, length, tile_m=1.2, level=level + 0.002, light=1.12)
    side = face(texture, x, start, length, level, light=0.7)
    return [Quad(side.texture, side.corner, side.along, side.down, (length / 1.2, 0.12), 0.7), top]


def pole(x: float, z: float, height: float, *, radius: float = 0.04, colour: Colour = (110, 114, 116)) -> Quad:
    """A round post seen from the front."""
    across = np.linspace(-1, 1, 16, dtype=np.float32)
    shade = 0.45 + 0.6 * np.sqrt(np.clip(1 - (across + 0.35) ** 2, 0, 1)) + 0.1 * np.clip(across, 0, 1)
    texture = opaque(np.broadcast_to(np.clip(rgb(colour) * shade[None, :, None], 0, 1), (48, 16, 3)).astype(np.float32).copy())
    return Quad(texture, (x - radius, height, z), (2 * radius, 0, 0), (0, -height, 0))


def sides(textures: tuple[Plane, Plane, Plane], left: float, bottom: float, front: float, size: Point, lights: Point = (1.0, 0.75, 0.9)) -> list[Quad]:
    """Front, sides and top of a box, as (front, side, top)."""
    width, height, length = size
    return [
        facing(textures[0], left, bottom + height, front, width, height, light=lights[0]),
        on_left(textures[1], left + width, front, length, height, top=bottom + height, light=lights[1]),
        on_right(textures[1], left, front, length, height, top=bottom + height, light=lights[1]),
        floor(textures[2], left, front, width, length, level=bottom + height, light=lights[2]),
    ]


def row_of_houses(
    rng: np.random.Generator, houses: Sequence[House], x: float, start: float, stop: float, *, is_left: bool, light: float, px_per_m: float = 36
) -> list[Quad]:
    """Houses side by side along one side of the view, none as high or as wide as its neighbour; end walls where one is higher."""
    quads, at, index = [], start, int(rng.integers(len(houses)))
    while at < stop:
        house, width = houses[index % len(houses)], float(rng.uniform(7.5, 12.5))
        n_floors = int(rng.integers(2, 5))
        height = house.ground_m + n_floors * house.floor_m + 0.9 + float(rng.uniform(0, 0.5))
        front = facade(rng, house, width, height, px_per_m=px_per_m, door_at=float(rng.uniform(0, 0.99))).texture((-0.7, -0.7) if is_left else (0.5, -0.8))
        end = plaster(rng, house.wall, 8, height)
        if is_left:
            quads += [on_left(front, x, at, width, height, light=light), facing(end, x - 8, height, at, 8, height, light=0.72)]
        else:
            quads += [on_right(front, x, at, width, height, light=light), facing(end, x, height, at, 8, height, light=0.72)]
        quads += cornice(house.trim, x, at, width, height, is_left=is_left, light=light)
        at, index = at + width, index + 1 + int(rng.integers(2))
    return quads


def cornice(colour: Colour, x: float, start: float, width: float, height: float, *, is_left: bool, light: float) -> list[Quad]:
    """The eaves: what stands out above a row of windows and breaks the line of the sky."""
    texture, out = opaque(np.broadcast_to(rgb(colour), (8, 64, 3)).astype(np.float32).copy()), 0.45
    edge, side = (x + out, on_left) if is_left else (x - out, on_right)
    left = x if is_left else x - out
    return [
        side(texture, edge, start, width, 0.3, top=height + 0.05, light=light),
        floor(texture, left, start, out, width, level=height - 0.25, light=0.45),
        facing(texture, left, height + 0.05, start, out, 0.3, light=0.8),
    ]


def plaster(rng: np.random.Generator, colour: Colour, width_m: float, height_m: float, *, px_per_m: float = 24) -> Plane:
    """A wall without windows."""
    panel = Panel(width_m, height_m, colour, px_per_m=px_per_m)
    panel.weather(rng, mottle=0.07, streaks=0.06, grain=0.03)
    return panel.texture()


def lean_shadow(left: float, start: float, width: float, length: float, *, darkness: float = 0.5, level: float = 0.01) -> Quad:
    """A soft shadow on the ground."""
    return floor(soft_shadow(96, 96, darkness=darkness, softness=0.1), left, start, width, length, level=level, is_decal=True)


def _lay_bricks(rng: np.random.Generator, panel: Panel, colour: Colour) -> None:
    tile = stones(rng, colour, columns=16, rows=44, joint_px=2.4, spread=0.1)
    side = round(3.6 * panel.px_per_m)
    small = Image.fromarray((255 * tile[..., :3]).astype(np.uint8)).resize((side, side), Image.Resampling.BOX)
    for left in range(0, panel.colour.width, side):
        for top in range(0, panel.colour.height, side):
            panel.colour.paste(small, (left, top))


def _darker(colour: Colour, factor: float) -> Colour:
    red, green, blue = (min(round(value * factor), 255) for value in colour)
    return red, green, blue


def at_the_wall(left: float, start: float, width: float, length: float, *, dark_side: str, level: float = 0.01, darkness: float = 0.5) -> Quad:
    """The dark strip where the ground meets a wall on its `left`, `right` or `far` side."""
    ramp = darkness * np.linspace(0, 1, 32, dtype=np.float32) ** 2
    mask = {"right": np.tile(ramp, (8, 1)), "left": np.tile(ramp[::-1], (8, 1)), "far": np.tile(ramp[::-1, None], (1, 8))}[dark_side]
    return floor(cut_out(np.full((*mask.shape, 3), 0.04, np.float32), mask), left, start, width, length, level=level, is_decal=True)


def stripe(x: float, start: float, width: float, length: float, *, colour: Colour = (226, 226, 220), opacity: float = 0.75, level: float = 0.004) -> Quad:
    """Paint or steel on the road."""
    rng = np.random.default_rng(round(1000 * (start + 50)))
    worn = np.clip(opacity + 0.25 * fractal(rng, 128, 32, coarsest_px=20, n_octaves=5), 0, 1)
    return floor(cut_out(np.broadcast_to(rgb(colour), (128, 32, 3)).astype(np.float32), worn), x, start, width, length, level=level, is_decal=True)


def tram(
    rng: np.random.Generator,
    words: Sequence[str],
    colour: Colour,
    *,
    left: float,
    front: float,
    number: str = "",
    length: float = 24,
    band: Colour = (235, 235, 232),
) -> list[Quad]:
    """A tram that comes towards the camera, its destination in lights above the windscreen."""
    width, height, amber = 2.5, 3.35, (255, 176, 46)
    nose = Panel(width, height, colour, px_per_m=260)
    nose.weather(rng, mottle=0.02, streaks=0.015, grain=0.012)
    nose.box(0, 2.1, width, 0.16, band)
    nose.rounded(0.14, 0.1, width - 0.28, 1.92, 0.16, (22, 24, 26), -2)
    glass(rng, nose, 0.22, 0.78, width - 0.44, 1.18, inside=(58, 62, 66), has_drapes=False)
    nose.rounded(0.2, 0.14, width - 0.4, 0.6, 0.05, (10, 10, 11), -1)
    room = width - 0.5 - (0.42 if number else 0)
    for index, line in enumerate(words):
        size = min(0.46 / len(words), 1.42 * room / max(len(line), 1))
        nose.words(0.25 + (0.46 if number else 0) + room / 2, 0.44 + (index - (len(words) - 1) / 2) * 0.27, line, size, amber, face="sans bold")
    if number:
        nose.words(0.46, 0.44, number, 0.4, amber)
    nose.polygon([(1.0, 1.96), (1.06, 1.96), (0.6, 1.1), (0.56, 1.12)], (20, 20, 20), 1)
    for x in (0.36, width - 0.36):
        nose.disc(x, 2.55, 0.15, (60, 62, 64), 2)
        nose.disc(x, 2.55, 0.11, (252, 250, 236), 3)
    nose.box(0.1, 2.95, width - 0.2, 0.22, (48, 50, 54), 8)
    side = Panel(length, height, colour, px_per_m=48)
    side.weather(rng, mottle=0.02, streaks=0.02, grain=0.012)
    side.box(0, 0.55, length, 1.35, (26, 28, 32), -2)
    for x in np.arange(0.2, length - 1.2, 1.55):
        glass(rng, side, x, 0.62, 1.42, 1.2, inside=(66, 68, 70), has_drapes=False)
    for x in np.arange(1.8, length - 2, 6.2):
        side.box(x, 0.5, 1.3, 2.5, (206, 208, 208), 1)
        glass(rng, side, x + 0.08, 0.6, 0.54, 2.2)
        glass(rng, side, x + 0.68, 0.6, 0.54, 2.2)
    side.box(0, 2.1, length, 0.16, band)
    side.box(0, 3.05, length, 0.3, (44, 46, 50), -4)
    face = nose.texture()
    across = np.linspace(-1, 1, face.shape[1], dtype=np.float32)
    face[..., :3] *= (1.04 - 0.3 * np.abs(across) ** 9 - 0.08 * across)[None, :, None]  # its edges bend away
    roof = plaster(rng, (120, 122, 124), 2.5, 6)
    wires = [floor(opaque(np.full((4, 4, 3), 0.12, np.float32)), left + width / 2 - 0.02, 1, 0.04, 90, level=5.6)]
    rails = [stripe(x, 0.5, 0.09, 90, colour=(150, 152, 156), opacity=0.9) for x in (left + 0.5, left + 1.95)]
    beneath = floor(soft_shadow(64, 128, darkness=0.75, softness=0.08), left - 0.5, front - 0.9, width + 1.0, length + 2, level=0.006, is_decal=True)
    return [*rails, beneath, *sides((face, side.texture(), roof), left, 0.18, front, (width, height, length), (1.0, 0.8, 0.9)), *wires]


def lamp(x: float, z: float, *, height: float = 4.6) -> list[Quad]:
    """A street lamp: a post and a lantern."""
    lantern = Panel(0.5, 0.75, (30, 32, 34), px_per_m=160)
    lantern.fade(0.08, 0.16, 0.34, 0.46, (250, 244, 222), (206, 200, 186))
    lantern.box(0.23, 0.16, 0.03, 0.46, (30, 32, 34))
    texture = lantern.texture()
    y, across = np.mgrid[0 : 1 : texture.shape[0] * 1j, -1 : 1 : texture.shape[1] * 1j]
    inside = (np.abs(across) < np.interp(y, [0, 0.1, 0.22, 0.9, 1], [0.1, 0.25, 0.95, 0.55, 0.3])).astype(np.float32)
    return [
        pole(x, z, height, radius=0.05, colour=(46, 50, 52)),
        pole(x, z - 0.001, 0.9, radius=0.09, colour=(46, 50, 52)),
        facing(cut_out(texture[..., :3], inside), x - 0.25, height + 0.7, z, 0.5, 0.75),
    ]


def upright(texture: Plane, x: float, z: float, size: float, *, ground: float = 0.0, light: float = 1.0) -> Quad:
    """A tree or bush that stands on the ground, seen from the front."""
    return facing(texture, x - size / 2, ground + size, z, size, size, light=light)


def board(panel: Panel, texture: Plane, x: float, top: float, z: float, *, posts: Sequence[float] = (), light: float = 1.0) -> list[Quad]:
    """A sign on posts (shares of its width), with the grey edge of its sheet."""
    edge = opaque(np.full((4, 4, 3), 0.35, np.float32))
    return [
        facing(texture, x, top, z, panel.width_m, panel.height_m, light=light),
        facing(edge, x - 0.012, top + 0.012, z + 0.02, panel.width_m + 0.024, panel.height_m + 0.024),
        *(pole(x + share * panel.width_m, z + 0.06, top - 0.05 if panel.height_m > 0.5 else top + 0.25) for share in posts),
    ]
