"""The scenes of the example pictures, each a function of a random generator. Places are real, views and shops are invented."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from drawing.camera import Camera, Quad
from drawing.develop import Lens
from drawing.materials import asphalt, from_rgba, grass, hills, rgb, sky, soft_shadow, stain, stones, tree
from drawing.noise import Plane, fractal
from drawing.panel import Colour, Panel, cut_out, opaque
from drawing.street import (
    House,
    at_the_wall,
    board,
    door,
    enamel,
    facade,
    facing,
    floor,
    glass,
    kerb,
    lamp,
    lean_shadow,
    on_left,
    on_right,
    plaster,
    pole,
    row_of_houses,
    screws,
    shop,
    stripe,
    tram,
    upright,
)

WHITE: Colour = (244, 244, 238)
Storey = tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class Scene:
    """What stands where, and who looks at it."""

    camera: Camera
    quads: list[Quad]
    sky: Plane
    lens: Lens


def lyon(rng: np.random.Generator) -> Scene:
    """A street corner in Lyon: a baker's, an enamelled street sign, a tram."""
    camera = Camera(position=(0.2, 1.65, 0), yaw_deg=9.5, pitch_deg=4.5, focal=0.82)
    house, z = House(wall=(222, 202, 168), trim=(232, 224, 206), shutter=(128, 148, 152), has_balconies=True), 9.0
    corner = facade(rng, house, 11, 15, px_per_m=120, has_ground=False)
    shop(rng, corner, 1.95, 6.6, foot_m=0.55, colour=(118, 34, 38), goods=[(196, 138, 72), (222, 178, 110), (160, 98, 52), (236, 214, 170)])
    corner.words(4.85, 15 - 3.3 + 0.41, "BOULANGERIE", 0.5, (246, 228, 180), face="serif bold", raised_cm=12)
    plate = Panel(1.5, 0.78, (24, 58, 122), px_per_m=420)
    plate.rounded(0.03, 0.03, 1.44, 0.72, 0.04, (30, 110, 70), 0.6)
    plate.rounded(0.07, 0.07, 1.36, 0.64, 0.03, (20, 56, 130), 0.4)
    plate.words(0.75, 0.27, "RUE", 0.2, WHITE)
    plate.words(0.75, 0.52, "DE LA RÉPUBLIQUE", 0.118, WHITE)
    screws(plate, 0.11)
    neighbours = [house, House(wall=(208, 172, 134)), House(wall=(196, 186, 174), has_balconies=True)]
    quads = [
        facing(corner.texture(), 0.1, 15, z, 11, 15, light=1.03),
        *row_of_houses(rng, [house], 0.1, z + 0.3, 60, is_left=False, light=0.62),
        *row_of_houses(rng, neighbours, -10.5, 6, 80, is_left=True, light=1.0),
        _far_house(rng, -18, 84, 26, 15),
        facing(soft_shadow(120, 70, darkness=0.55), 0.36, 3.52, z - 0.01, 1.66, 0.96, is_decal=True),
        facing(enamel(plate, rng), 0.36, 3.54, z - 0.1, 1.5, 0.78),
        floor(asphalt(rng), -60, 0.5, 120, 110, tile_m=7),
        floor(stones(rng, (172, 166, 156), columns=6, rows=10), -1.2, 6.6, 40, 60, tile_m=4, level=0.14),
        *kerb(stones(rng, (150, 148, 144), columns=2, rows=2), -1.2, 6.6, 60, road_is_left=True),
        facing(stones(rng, (150, 148, 144), columns=2, rows=2), -1.2, 0.14, 6.6, 14, 0.14, light=0.7),
        floor(stones(rng, (172, 166, 156), columns=6, rows=10), -10.5, 2, 2.2, 90, tile_m=4, level=0.1),
        floor(stain(rng), -12, 0.5, 26, 60, is_decal=True, level=0.003),
        at_the_wall(-1, z - 1.2, 14, 1.2, dark_side="far", level=0.143),
        at_the_wall(-10.5, 4, 1.4, 70, dark_side="left", level=0.103),
        lean_shadow(-6.5, 8, 7.2, 55, darkness=0.45),
        stripe(-7.4, 0.5, 0.14, 60),
        *tram(rng, ["LYON", "PERRACHE"], (206, 208, 210), left=-4.55, front=12.5, number="T2", band=(176, 30, 40)),
        *lamp(-0.6, 6.9),
    ]
    return Scene(camera, quads, sky(camera, rng, zenith=(84, 136, 202), horizon=(208, 222, 234)), Lens(focus_m=9, warmth=0.03))


def freiburg(rng: np.random.Generator) -> Scene:
    """A street near the station of Freiburg: a name on a post, a chemist's, a tram."""
    camera = Camera(position=(0.3, 1.65, 0), yaw_deg=2, pitch_deg=4, focal=0.95)
    houses = [
        House(wall=(232, 214, 178), shutter=(92, 120, 92)),
        House(wall=(214, 168, 142)),
        House(wall=(226, 224, 214), shutter=(140, 60, 50)),
        House(wall=(200, 206, 196)),
    ]
    name = Panel(1.36, 0.27, (22, 54, 120), px_per_m=520)
    name.rounded(0.015, 0.015, 1.33, 0.24, 0.02, WHITE, 0.4)
    name.rounded(0.028, 0.028, 1.304, 0.214, 0.016, (22, 58, 128), 0.2)
    name.words(0.68, 0.13, "Bahnhofstraße", 0.158, WHITE, face="noto bold")
    chemist = Panel(1.9, 0.5, (238, 236, 230), px_per_m=300)
    chemist.box(0.04, 0.04, 1.82, 0.42, (190, 26, 34), 1)
    chemist.words(0.95, 0.25, "APOTHEKE", 0.29, WHITE, raised_cm=3)
    leaves = tree(rng, (92, 124, 52))
    quads = [
        *row_of_houses(rng, houses, -7.5, 5, 90, is_left=True, light=0.98, px_per_m=56),
        *row_of_houses(rng, houses, 5.2, 4, 90, is_left=False, light=0.7, px_per_m=56),
        _far_house(rng, -18, 92, 36, 15),
        *_tower(rng, -1.0, 110, 9, 34, (186, 120, 96)),
        floor(asphalt(rng, (124, 122, 120)), -60, 0.5, 120, 110, tile_m=7),
        floor(stones(rng, (164, 160, 154), columns=8, rows=14), 1.2, 0.5, 4.0, 100, tile_m=3.2, level=0.12),
        *kerb(stones(rng, (156, 154, 150), columns=2, rows=2), 1.2, 0.5, 100, road_is_left=True, level=0.12),
        floor(stones(rng, (164, 160, 154), columns=8, rows=14), -7.5, 0.5, 2.4, 100, tile_m=3.2, level=0.12),
        floor(stain(rng), -10, 0.5, 20, 50, is_decal=True, level=0.003),
        at_the_wall(4.2, 0.5, 1, 80, dark_side="right", level=0.123),
        at_the_wall(-7.5, 0.5, 1, 80, dark_side="left", level=0.123),
        lean_shadow(0.4, 2, 6.0, 75, darkness=0.45, level=0.125),
        *tram(rng, ["FREIBURG", "HAUPTBAHNHOF"], (196, 34, 38), left=-3.3, front=10.0),
        *board(name, enamel(name, rng), 0.12, 2.92, 5.0),
        pole(1.45, 5.04, 3.1),
        *board(chemist, chemist.texture(), 3.2, 4.35, 9.5),
        on_right(chemist.texture()[:, ::-1][:, :60], 3.2, 9.5, 0.12, 0.5, top=4.35, light=0.5),
        *lamp(2.7, 15),
        upright(leaves, -5.8, 24, 7),
        upright(leaves[:, ::-1], 3.4, 31, 7, light=0.85),
    ]
    return Scene(camera, quads, sky(camera, rng, zenith=(110, 152, 204), horizon=(220, 228, 234), cover=0.6), Lens(focus_m=7))


def krakow(rng: np.random.Generator) -> Scene:
    """The old town of Kraków in the evening: a street sign, a bookshop, a signpost to the station."""
    camera = Camera(position=(-0.6, 1.65, 0), yaw_deg=10, pitch_deg=4.5, focal=0.85)
    house, z = House(wall=(214, 176, 112), trim=(232, 216, 184), floor_m=3.5, ground_m=4.2), 9.5
    front = facade(rng, house, 11, 14, px_per_m=116, has_ground=False)
    books = [(150, 44, 40), (40, 76, 120), (222, 196, 120), (70, 100, 66), (208, 204, 196)]
    shop(rng, front, 3.0, 6.4, foot_m=0.55, goods_shape=(0.24, 0.02), colour=(38, 66, 54), goods=books, tall=3.5)
    front.words(5.3, 14 - 3.5 + 0.41, "KSIĘGARNIA", 0.46, (236, 214, 150), face="noto serif bold", raised_cm=12)
    door(front, 1.6, 14, rng, colour=(70, 52, 38))
    plate = Panel(1.7, 0.44, (232, 230, 222), px_per_m=420)
    plate.rounded(0.02, 0.02, 1.66, 0.4, 0.03, (24, 66, 136), 0.6)
    plate.words(0.85, 0.22, "ulica Floriańska", 0.185, WHITE, face="noto bold")
    screws(plate, 0.05)
    arrow = Panel(1.75, 0.36, (46, 94, 62), px_per_m=420)
    arrow.box(0.02, 0.02, 1.71, 0.32, (34, 104, 64), 0.5)
    arrow.polygon([(0.06, 0.18), (0.2, 0.07), (0.2, 0.29)], WHITE)
    arrow.words(0.96, 0.17, "Kraków Główny", 0.175, WHITE, face="noto bold")
    others = [house, House(wall=(190, 122, 92)), House(wall=(206, 198, 176)), House(wall=(176, 150, 126), is_brick=False)]
    cobbles = stones(rng, (126, 116, 106), columns=14, rows=18, joint_px=7, roundness=0.3, spread=0.12)
    quads = [
        facing(front.texture((-0.85, -0.5)), 0.2, 14, z, 11, 14, light=1.06),
        *row_of_houses(rng, others, 0.2, z + 0.3, 70, is_left=False, light=0.55),
        *row_of_houses(rng, others, -8.0, 5, 70, is_left=True, light=0.8),
        *_tower(rng, -4.8, 76, 7, 24, (170, 128, 104)),
        facing(soft_shadow(120, 50, darkness=0.55), 0.46, 3.8, z - 0.01, 1.94, 0.6, is_decal=True),
        facing(enamel(plate, rng), 0.48, 3.82, z - 0.1, 1.7, 0.44),
        floor(cobbles, -60, 0.5, 120, 110, tile_m=2.6),
        floor(stones(rng, (158, 148, 134), columns=5, rows=8), -0.8, 7.3, 30, 60, tile_m=4, level=0.08),
        facing(cobbles, -0.8, 0.08, 7.3, 14, 0.08, light=0.6),
        floor(stain(rng, darkness=0.45), -12, 0.5, 26, 60, is_decal=True, level=0.003),
        at_the_wall(-0.5, z - 1.2, 14, 1.2, dark_side="far", level=0.083),
        at_the_wall(-8, 2, 1.4, 70, dark_side="left"),
        lean_shadow(-9, 0.5, 12, 6.5, darkness=0.5),
        lean_shadow(-4, 9, 5, 60, darkness=0.4),
        *board(arrow, enamel(arrow, rng), -2.55, 2.95, 5.6, posts=(0.5,)),
        *lamp(-1.3, 8.4),
    ]
    haze = Lens(focus_m=8, warmth=0.09, haze=(0.92, 0.82, 0.7), haze_km=0.35, exposure=0.97)
    return Scene(camera, quads, sky(camera, rng, zenith=(104, 136, 186), horizon=(246, 214, 176), cloud=(255, 232, 206), cover=0.5), haze)


def thessaloniki(rng: np.random.Generator) -> Scene:
    """A road in Macedonia with a sign to Thessaloniki."""
    camera = Camera(position=(0.0, 1.6, 0), yaw_deg=3, pitch_deg=3.5, focal=0.85)
    sign = Panel(4.9, 2.7, (24, 82, 168), px_per_m=210)
    sign.rounded(0.05, 0.05, 4.8, 2.6, 0.12, WHITE, 0.5)
    sign.rounded(0.1, 0.1, 4.7, 2.5, 0.1, (16, 84, 172), 0.3)
    sign.words(2.45, 0.62, "ΘΕΣΣΑΛΟΝΙΚΗ", 0.56, (250, 214, 60), face="noto bold")
    sign.words(2.0, 1.18, "Thessaloniki", 0.46, WHITE, face="noto bold")
    sign.words(4.15, 1.18, "24", 0.5, WHITE, face="noto bold")
    sign.box(0.3, 1.52, 4.3, 0.03, WHITE)
    sign.words(1.45, 1.86, "ΒΕΡΟΙΑ", 0.44, (250, 214, 60), face="noto bold")
    sign.words(1.3, 2.3, "Veria", 0.4, WHITE, face="noto bold")
    sign.words(4.15, 2.1, "61", 0.5, WHITE, face="noto bold")
    dry = grass(rng, (158, 144, 88))
    olives = [tree(rng, colour, trunk_share=0.22, n_leaves=6000) for colour in ((110, 124, 88), (96, 112, 74), (122, 130, 92))]
    rail = Panel(40, 0.32, (176, 180, 182), px_per_m=24)
    rail.box(0, 0.1, 40, 0.1, (146, 150, 152), -8)
    rail.weather(rng)
    quads = [
        facing(hills(rng, (122, 128, 118)), -2200, 420, 3200, 4400, 520, light=0.95),
        facing(hills(rng, (112, 120, 84)), -1000, 130, 1300, 2100, 190),
        facing(hills(rng, (120, 122, 74), roughness=0.6), -320, 26, 420, 640, 42),
        floor(dry, -400, 0.3, 800, 900, tile_m=6, level=-0.05),
        floor(asphalt(rng, (104, 102, 100)), -7.5, 0.3, 10.5, 600, tile_m=7),
        floor(stain(rng, coarsest_px=60), -7.5, 0.3, 10.5, 80, is_decal=True, level=0.002),
        floor(stain(rng, darkness=0.3), -40, 0.3, 80, 80, is_decal=True, level=0.0),
        stripe(2.4, 0.3, 0.16, 400),
        stripe(-7.0, 0.3, 0.16, 400),
        *(stripe(-2.3, start, 0.14, 4) for start in range(3, 120, 9)),
        *board(sign, enamel(sign, rng, gloss=0.1), 3.2, 5.2, 17, light=1.02),
        pole(4.3, 17.1, 4.9, radius=0.08),
        pole(7.0, 17.1, 4.9, radius=0.08),
        lean_shadow(3.6, 15.6, 4.6, 1.0, darkness=0.4),
        on_right(rail.texture(), 3.6, 20, 80, 0.32, top=0.75, light=0.9),
        *(pole(3.65, z, 0.6, radius=0.06) for z in range(20, 60, 4)),
        *(upright(olives[index % 3], x, z, size, ground=-0.1) for index, (x, z, size) in enumerate(_grove(rng))),
        *(upright(olives[index % 3][:600], x, z, size / 4, ground=-0.1) for index, (x, z, size) in enumerate(_hedge(rng))),
    ]
    lens = Lens(focus_m=16, warmth=0.05, haze_km=3.2, haze=(0.8, 0.85, 0.9), aperture=1.2)
    return Scene(camera, quads, sky(camera, rng, zenith=(62, 124, 206), horizon=(206, 222, 234), cover=0.38), lens)


def _grove(rng: np.random.Generator) -> list[tuple[float, float, float]]:
    """Where trees stand beside the road, and how tall they are."""
    return [(float(rng.choice([-1, 1]) * rng.uniform(11, 60) - 2), float(rng.uniform(24, 150)), float(rng.uniform(3.5, 5.5))) for _ in range(46)]


def _hedge(rng: np.random.Generator) -> list[tuple[float, float, float]]:
    return [(float(rng.uniform(-14, -8.5)), float(rng.uniform(9, 50)), float(rng.uniform(3.2, 6.4))) for _ in range(26)]


def kyiv(rng: np.random.Generator) -> Scene:
    """A wide avenue in Kyiv: stone fronts, chestnuts, a chemist's."""
    camera = Camera(position=(-0.4, 1.65, 0), yaw_deg=10.5, pitch_deg=4, focal=0.84)
    house, z = House(wall=(206, 192, 170), trim=(222, 212, 194), floor_m=3.6, ground_m=4.6, window_m=(1.2, 2.2)), 10.0
    front = facade(rng, house, 12, 16, px_per_m=112, has_ground=False)
    for y in np.arange(16 - 4.3, 15.5, 0.55):
        front.box(0, y, 12, 0.035, (150, 138, 120), -3)
    packets = [(238, 238, 236), (120, 176, 200), (196, 60, 66), (240, 214, 110)]
    shop(rng, front, 2.9, 6.4, foot_m=0.6, goods_shape=(0.7, 0.12), colour=(26, 92, 72), goods=packets, tall=3.6)
    front.words(5.4, 16 - 3.6 + 0.41, "АПТЕКА", 0.56, WHITE, raised_cm=12)
    plate = Panel(1.9, 0.62, (20, 54, 122), px_per_m=400)
    plate.rounded(0.03, 0.03, 1.84, 0.56, 0.04, WHITE, 0.5)
    plate.rounded(0.045, 0.045, 1.81, 0.53, 0.035, (20, 58, 130), 0.3)
    plate.words(0.95, 0.16, "вулиця", 0.15, WHITE, face="noto bold")
    plate.words(0.95, 0.4, "Хрещатик", 0.25, WHITE, face="noto bold")
    totem = Panel(1.1, 1.5, (226, 228, 230), px_per_m=360)
    totem.box(0.0, 0.0, 1.1, 0.5, (24, 88, 170), 1)
    totem.words(0.55, 0.25, "Київ", 0.36, WHITE, face="noto bold")
    totem.words(0.55, 0.66, "Музей історії", 0.135, (30, 34, 40), face="noto bold")
    totem.words(0.55, 0.88, "Національна", 0.135, (30, 34, 40), face="noto bold")
    totem.words(0.55, 1.07, "опера України", 0.135, (30, 34, 40), face="noto bold")
    totem.polygon([(0.45, 1.36), (0.66, 1.26), (0.66, 1.46)], (24, 88, 170))
    chestnuts = [tree(rng, colour, trunk_share=0.3) for colour in ((76, 112, 46), (94, 126, 54))]
    slabs = stones(rng, (160, 154, 148), columns=5, rows=6)
    quads = [
        facing(front.texture((0.6, -0.8)), 0.4, 16, z, 12, 16),
        *row_of_houses(rng, [house, House(wall=(196, 178, 152), floor_m=3.6)], 0.4, z + 0.3, 90, is_left=False, light=0.9),
        *row_of_houses(rng, [House(wall=(190, 176, 158), floor_m=3.6, ground_m=4.6), house], -19, 12, 110, is_left=True, light=0.66),
        _far_house(rng, -24, 118, 40, 16),
        facing(soft_shadow(120, 60, darkness=0.5), 0.66, 4.22, z - 0.01, 2.1, 0.78, is_decal=True),
        facing(enamel(plate, rng), 0.68, 4.24, z - 0.1, 1.9, 0.62),
        floor(asphalt(rng, (112, 112, 114)), -60, 0.5, 120, 130, tile_m=7),
        floor(slabs, -4.2, 0.5, 30, 120, tile_m=3.6, level=0.12),
        *kerb(stones(rng, (150, 148, 144), columns=2, rows=2), -4.2, 0.5, 120, road_is_left=True, level=0.12),
        floor(stain(rng), -12, 0.5, 26, 60, is_decal=True, level=0.125),
        at_the_wall(0.4, z - 1.4, 14, 1.4, dark_side="far", level=0.126),
        *(lean_shadow(-5.5, start, 4.4, 3.4, darkness=0.5, level=0.127) for start in (9, 17, 25, 33, 42)),
        *(stripe(-9.5, start, 0.15, 4) for start in range(3, 100, 9)),
        *(upright(chestnuts[index % 2], -2.9, start, 7.5, ground=0.1) for index, start in enumerate((14, 21, 29, 38, 50, 64))),
        *(upright(chestnuts[index % 2][:, ::-1], -15.5, start, 8, light=0.85) for index, start in enumerate((20, 28, 37, 48, 62))),
        *board(totem, totem.texture(), -2.3, 2.5, 5.8, posts=(0.2, 0.8)),
        *lamp(-0.6, 8.6, height=5.2),
    ]
    return Scene(camera, quads, sky(camera, rng, zenith=(118, 158, 208), horizon=(222, 228, 232), cover=0.65), Lens(focus_m=8, haze_km=0.5))


def kyoto(rng: np.random.Generator) -> Scene:
    """A platform of Kyoto station: the station's name on a board, a train."""
    camera = Camera(position=(0.6, 1.6, 0), yaw_deg=-3, pitch_deg=3, focal=0.82)
    name = Panel(2.9, 1.25, (240, 241, 240), px_per_m=340)
    name.words(1.45, 0.36, "京都駅", 0.4, (24, 24, 28), face="japanese")
    name.words(1.45, 0.72, "Kyoto Station", 0.2, (24, 24, 28), face="noto bold")
    name.box(0, 0.9, 2.9, 0.14, (30, 104, 180))
    name.words(0.1, 1.14, "やましな", 0.12, (40, 40, 44), face="japanese", anchor="lm")
    name.words(2.8, 1.14, "にしおおじ", 0.12, (40, 40, 44), face="japanese", anchor="rm")
    name.weather(rng, mottle=0.015, streaks=0.01, grain=0.012)
    train = Panel(44, 2.9, (206, 210, 212), px_per_m=40)
    train.box(0, 0.7, 44, 0.95, (34, 38, 42), -3)
    for x in np.arange(0.4, 43, 1.9):
        glass(rng, train, x, 0.76, 1.7, 0.83, inside=(84, 86, 84), has_drapes=False)
    for x in np.arange(3, 42, 5.6):
        train.box(x, 0.35, 1.4, 2.5, (188, 192, 194), -4)
        glass(rng, train, x + 0.12, 0.65, 0.5, 1.1)
        glass(rng, train, x + 0.78, 0.65, 0.5, 1.1)
    train.box(0, 1.85, 44, 0.2, (32, 104, 180))
    train.weather(rng, mottle=0.03)
    nose = Panel(2.8, 3.45, (206, 210, 212), px_per_m=120)
    nose.box(0, 3.0, 2.8, 0.45, (52, 54, 56), -6)
    nose.rounded(0.2, 0.3, 2.4, 1.3, 0.15, (30, 32, 36), -2)
    glass(rng, nose, 0.3, 0.5, 2.2, 1.0, has_drapes=False)
    nose.box(0, 1.85, 2.8, 0.2, (32, 104, 180))
    nose.disc(0.5, 2.3, 0.12, (250, 248, 232))
    nose.disc(2.3, 2.3, 0.12, (250, 248, 232))
    nose.weather(rng, mottle=0.03)
    ceiling = Panel(9, 12, (176, 178, 176), px_per_m=40)
    for y in np.arange(0, 12, 3.0):
        ceiling.box(0, y, 9, 0.3, (126, 130, 132), 20)
    for x in (2.2, 6.4):
        for y in np.arange(0.9, 12, 3.0):
            ceiling.box(x, y, 0.22, 1.5, (255, 255, 246), 6)
    ceiling.weather(rng)
    yellow = stones(rng, (216, 178, 52), columns=10, rows=10, joint_px=8, roundness=0.5, spread=0.04)
    far_wall = facade(rng, House(wall=(206, 190, 164), trim=(226, 218, 204), bay_m=2.2), 60, 14, px_per_m=24)
    machine = Panel(1.1, 1.85, (196, 36, 40), px_per_m=160)
    machine.box(0.08, 0.12, 0.94, 0.85, (236, 238, 238), -4)
    for row in range(3):
        for column in range(7):
            tint = [(60, 120, 70), (190, 60, 50), (240, 200, 60), (70, 90, 160), (110, 70, 40)][int(rng.integers(5))]
            machine.rounded(0.12 + column * 0.125, 0.18 + row * 0.27, 0.08, 0.2, 0.02, tint, 1)
    machine.box(0.2, 1.45, 0.7, 0.22, (30, 30, 32), -8)
    machine.weather(rng, mottle=0.02)
    quads = [
        floor(stones(rng, (150, 150, 148), columns=8, rows=8, spread=0.04), -2.6, 0.5, 9, 110, tile_m=4),
        floor(yellow, -1.9, 0.5, 0.42, 110, tile_m=0.42, level=0.004, is_decal=True),
        stripe(-2.5, 0.5, 0.1, 110, colour=(240, 240, 236), opacity=0.9),
        floor(stain(rng, darkness=0.4), -2.6, 0.5, 9, 40, is_decal=True, level=0.003),
        on_left(train.texture(), -2.95, 13, 88, 2.9, top=2.75, light=0.78),
        facing(nose.texture(), -5.75, 2.75, 13, 2.8, 3.45, light=0.9),
        floor(stones(rng, (96, 88, 82), columns=22, rows=22, joint_px=5, spread=0.25), -12, 0.5, 9.4, 120, tile_m=2.4, level=-1.0),
        *(stripe(x, 0.5, 0.1, 110, colour=(146, 140, 136), opacity=0.9, level=-0.9) for x in (-5.0, -3.7)),
        on_left(far_wall.texture(), -12, 4, 120, 14, top=13, light=0.75),
        Quad(ceiling.texture(), (-2.9, 4.3, 1), (9, 0, 0), (0, 0, 72), (1, 6), 0.74),
        on_left(plaster(rng, (110, 114, 116), 72, 0.6), -2.9, 1, 72, 0.6, top=4.5, light=0.8),
        *(pole(3.6, z, 4.3, radius=0.17, colour=(172, 176, 178)) for z in (9, 17, 25, 33, 41, 49)),
        _tiled_wall(rng, 6.2, 1, 90, 4.3),
        lean_shadow(-6.2, 10.5, 3.6, 40, darkness=0.75, level=-0.88),
        _far_house(rng, -14, 115, 30, 12),
        *(pole(x, 7.25, 4.3, radius=0.025, colour=(90, 92, 94)) for x in (-0.1, 2.2)),
        floor(soft_shadow(64, 64, darkness=0.5), 3.8, 10.4, 2.2, 2.0, is_decal=True, level=0.004),
        facing(machine.texture(), 4.2, 1.9, 11.5, 1.2, 1.9),
        *board(name, name.texture(), -0.45, 3.25, 7.2),
        at_the_wall(5.2, 0.5, 1.0, 80, dark_side="right"),
    ]
    lens = Lens(focus_m=7.5, haze_km=0.4, haze=(0.86, 0.88, 0.9), exposure=1.06)
    return Scene(camera, quads, sky(camera, rng, zenith=(168, 186, 206), horizon=(228, 232, 234), cover=0.9), lens)


def rio(rng: np.random.Generator) -> Scene:
    """A baker's in Rio de Janeiro below wooded hills."""
    camera = Camera(position=(0.2, 1.6, 0), yaw_deg=-3, pitch_deg=5.5, focal=0.78)
    house, z = House(wall=(238, 190, 74), trim=(246, 238, 216), frame=(40, 110, 120), shutter=(34, 116, 124), floor_m=3.2, ground_m=4.0), 8.0
    front = facade(rng, house, 9, 8.6, px_per_m=130, has_ground=False)
    base = 8.6 - 4.0
    shop(rng, front, 0.35, 6.6, foot_m=0.5, colour=(28, 92, 126), goods=[(208, 152, 84), (232, 192, 124), (170, 104, 56), (120, 68, 40)], tall=3.75)
    front.box(0.5, base + 0.3, 6.3, 0.86, (250, 246, 232), 10)
    front.words(3.65, base + 0.57, "PADARIA SOL NASCENTE", 0.4, (180, 36, 30), face="noto bold", raised_cm=11)
    front.words(3.65, base + 0.96, "Rio de Janeiro – RJ   Tel. +55 21 5555-0142", 0.235, (24, 62, 98), face="noto bold", raised_cm=10.5)
    menu = Panel(1.15, 1.2, (104, 74, 48), px_per_m=400)
    menu.box(0.06, 0.06, 1.03, 1.08, (34, 40, 38), -0.5)
    lines = [("Pão francês", 0.2, 0.15), ("R$ 14,90 kg", 0.42, 0.15), ("Café com leite", 0.7, 0.13), ("R$ 6,50", 0.92, 0.16)]
    for words, y, size in lines:
        menu.words(0.575, y, words, size, (240, 238, 226) if "R$" not in words else (250, 220, 110), face="noto bold")
    menu.weather(rng, mottle=0.06, streaks=0.05, grain=0.03)
    palms, bush = [_palm(rng), _palm(rng)], tree(rng, (52, 104, 44), trunk_share=0.12, n_leaves=7000)
    waves = _wave_paving(rng)
    quads = [
        facing(hills(rng, (50, 92, 52), bareness=0.05, roughness=0.5, relief=0.5), -760, 300, 700, 1000, 330),
        facing(hills(rng, (58, 104, 50), bareness=0.0, roughness=0.6), -260, 52, 230, 420, 80),
        facing(front.texture((-0.5, -0.85)), -2.2, 8.6, z, 9, 8.6, light=1.05),
        on_right(plaster(rng, (232, 186, 80), 12, 8.6), -2.2, z + 0.3, 12, 8.6, light=0.62),
        facing(facade(rng, House(wall=(214, 112, 96), frame=(240, 236, 226)), 12, 10.5, px_per_m=60).texture(), 7.0, 10.5, z + 0.5, 12, 10.5),
        *row_of_houses(rng, [House(wall=(120, 170, 180)), House(wall=(230, 150, 120)), House(wall=(240, 226, 190))], -13, 58, 110, is_left=True, light=0.8),
        floor(asphalt(rng, (96, 94, 92)), -60, 0.5, 120, 200, tile_m=7),
        floor(waves, -3.6, 5.4, 40, 3.2, tile_m=1.6, level=0.12),
        floor(waves, -3.6, 8.6, 1.4, 40, tile_m=1.4, level=0.12),
        facing(stones(rng, (150, 148, 144), columns=2, rows=2), -3.6, 0.12, 5.4, 40, 0.12, light=0.6),
        floor(stain(rng), -12, 0.5, 26, 40, is_decal=True, level=0.003),
        floor(stain(rng, darkness=0.25), -4, 5.4, 12, 4, is_decal=True, level=0.123),
        at_the_wall(-2.2, z - 1.2, 14, 1.2, dark_side="far", level=0.124),
        stripe(-30, 3.0, 60, 0.13, colour=(230, 190, 60)),
        floor(soft_shadow(64, 64, darkness=0.5), 2.4, 6.3, 1.5, 0.8, is_decal=True, level=0.125),
        facing(menu.texture(), 2.5, 1.38, 6.5, 1.15, 1.2),
        *(upright(palms[index % 2], *place) for index, place in enumerate([(-5.2, 12, 8.0), (-8.2, 19, 9.5), (-9.5, 30, 9.0), (-13, 24, 9.5)])),
        *(upright(bush, x, start, size) for x, start, size in [(-12, 22, 3.5), (-14, 27, 4.5), (-6.4, 60, 6), (-11, 55, 7), (-16, 30, 5)]),
    ]
    lens = Lens(focus_m=8, warmth=0.04, haze_km=1.6, haze=(0.82, 0.88, 0.92), exposure=1.03)
    return Scene(camera, quads, sky(camera, rng, zenith=(56, 126, 210), horizon=(204, 224, 236), cover=0.5), lens)


def lincoln(rng: np.random.Generator) -> Scene:
    """The notice board on the lawn before Lincoln Cathedral."""
    camera = Camera(position=(0.0, 1.6, 0), yaw_deg=0, pitch_deg=6, focal=0.85)
    notice = Panel(2.3, 1.5, (58, 40, 28), px_per_m=380)
    notice.box(0.09, 0.09, 2.12, 1.32, (22, 44, 78), -1)
    notice.words(1.15, 0.3, "Welcome to", 0.2, (240, 226, 180), face="noto serif italic")
    notice.words(1.15, 0.6, "Lincoln Cathedral", 0.225, WHITE, face="noto serif bold")
    notice.box(0.5, 0.8, 1.3, 0.012, (214, 184, 110))
    notice.words(1.15, 0.96, "Open every day from 9 am", 0.125, WHITE, face="noto serif bold")
    notice.words(1.15, 1.13, "Evensong on weekdays at half past five", 0.092, WHITE, face="noto serif bold")
    notice.words(1.15, 1.28, "Please keep to the paths", 0.092, (240, 226, 180), face="noto serif bold")
    notice.weather(rng, mottle=0.03, streaks=0.02, grain=0.015)
    limestone = stones(rng, (206, 186, 148), columns=14, rows=22, joint_px=2, spread=0.07)
    leaves = [tree(rng, colour) for colour in ((80, 106, 46), (104, 112, 48))]
    path = stones(rng, (168, 160, 148), columns=6, rows=10)
    quads = [
        *_cathedral(rng, limestone, z=98),
        floor(grass(rng, (92, 116, 52)), -200, 0.5, 400, 300, tile_m=3.5),
        floor(path, -3.4, 0.5, 2.4, 96, tile_m=3.0, level=0.01),
        floor(path, -40, 86, 80, 11, tile_m=3.0, level=0.02),
        floor(stain(rng, darkness=0.4), -25, 0.5, 50, 60, is_decal=True, level=0.013),
        at_the_wall(-24, 94, 48, 4, dark_side="far", level=0.03),
        *_meadow(rng, (-0.7, 6), (3.4, 12), (84, 112, 50), n=700, size=0.26, ground=-0.01),
        *_meadow(rng, (-9, -3.6), (3.8, 13), (84, 112, 50), n=500, size=0.26, ground=-0.01),
        lean_shadow(0.1, 5.0, 3.2, 0.9, darkness=0.5, level=0.012),
        lean_shadow(7, 22, 14, 8, darkness=0.5),
        *board(notice, notice.texture(), 0.1, 2.35, 5.4),
        *(pole(x, 5.45, 2.5, radius=0.06, colour=(64, 46, 34)) for x in (0.22, 2.28)),
        upright(leaves[0], 15, 30, 12),
        upright(leaves[1], -19, 40, 14),
        upright(leaves[0][:, ::-1], -15, 27, 11, light=0.9),
        upright(leaves[1], 26, 52, 15),
        upright(leaves[0], -34, 60, 16),
    ]
    lens = Lens(focus_m=6.5, haze_km=0.7, aperture=1.1, warmth=0.02)
    return Scene(camera, quads, sky(camera, rng, zenith=(120, 156, 200), horizon=(216, 224, 230), cover=0.72), lens)


def lake(rng: np.random.Generator) -> Scene:
    """A mountain lake somewhere: nothing to read."""
    camera = Camera(position=(0.0, 2.3, 0), yaw_deg=0, pitch_deg=0.5, focal=0.8)
    chains = [
        (hills(rng, (116, 118, 124), bareness=0.6, roughness=0.6, relief=0.55, snow=0.3), (-3400.0, 4000.0, 7200.0, 1500.0)),
        (hills(rng, (84, 100, 84), bareness=0.3, roughness=0.5, relief=0.6), (-1500.0, 1700.0, 3000.0, 420.0)),
        (hills(rng, (66, 92, 56), bareness=0.1, roughness=0.5, relief=0.6), (-900.0, 800.0, 1700.0, 130.0)),
        (_wooded(hills(rng, (52, 80, 46), bareness=0.0, roughness=0.75, relief=0.5)), (-560.0, 420.0, 460.0, 34.0)),
    ]
    shore = []
    for texture, (left, z, width, height) in chains:
        shore.append(facing(texture, left, height, z, width, height))
        shore.append(Quad(_rippled(rng, texture), (left, -height, z), (width, 0, 0), (0, height, 0), light=0.7))
    ripple = np.clip(0.34 + 0.17 * fractal(rng, 1536, 1536, coarsest_px=60, n_octaves=6, stretch=0.3, falloff=0.8), 0, 0.8)
    water = cut_out(np.broadcast_to(rgb((84, 112, 132)), (*ripple.shape, 3)).astype(np.float32), ripple)
    firs = [_fir(rng) for _ in range(3)]
    bank = _bank(rng)
    banks = [
        Quad(bank, (-11, 0.32, 8.6), (22, 0, 0), (0, 0, -8.4)),
        Quad(bank, (-6.0, 0.2, 6.5), (0, 0, 19), (-15, 0, 0), light=0.96),
        Quad(bank, (8.0, 0.2, 26.0), (0, 0, -19), (15, 0, 0), light=0.96),
    ]
    places = [(-8.0, 13, 10), (-11, 15, 12), (-8.6, 19, 8.5), (-14, 17, 13), (11.5, 16, 9), (14.5, 18, 12), (10.6, 21, 7.5), (-12, 22, 10), (17, 22, 13)]
    quads = [
        *shore,
        floor(water, -500, 4, 1000, 415, tile_m=40, level=0.0),
        *banks,
        floor(stain(rng, darkness=0.4), -12, 0.3, 24, 7.2, level=0.323, is_decal=True),
        *(upright(firs[index % 3], x, z, size, ground=0.1) for index, (x, z, size) in enumerate(places)),
        *_meadow(rng, (-7, 7), (3.2, 8.3), (108, 128, 60), n=420, size=0.55, ground=0.3),
    ]
    lens = Lens(focus_m=9, haze_km=5.5, haze=(0.74, 0.82, 0.9), aperture=0.5)
    return Scene(camera, quads, sky(camera, rng, zenith=(66, 122, 196), horizon=(204, 220, 234), cover=0.55), lens)


def _rippled(rng: np.random.Generator, texture: Plane) -> Plane:
    """A texture as water mirrors it: each row moved up or down a little."""
    height, width = texture.shape[:2]
    shift = 0.02 * height * fractal(rng, height, width, coarsest_px=70, n_octaves=5, stretch=0.06, falloff=0.8)
    rows = np.clip(np.arange(height)[:, None] + shift, 0, height - 1).astype(int)
    return np.asarray(texture[rows, np.arange(width)[None]])


def _wooded(texture: Plane) -> Plane:
    """Hills whose crest is a row of tree tops."""
    height, width = texture.shape[:2]
    rng = np.random.default_rng(5)
    reach, tips = np.zeros(width), rng.integers(0, width, 420)
    for tip, tall in zip(tips, rng.uniform(6, 26, 420), strict=True):
        columns = np.arange(max(tip - 8, 0), min(tip + 9, width))
        reach[columns] = np.maximum(reach[columns], tall * (1 - np.abs(columns - tip) / 9))
    rows = np.clip(np.arange(height)[:, None] + reach[None].astype(int), 0, height - 1)
    wooded = np.asarray(texture[rows, np.arange(width)[None]])
    fall = height * np.clip((np.abs(np.linspace(-1, 1, width)) - 0.55) / 0.45, 0, 1) ** 2  # it sinks into the lake at both ends
    wooded[np.arange(height)[:, None] < fall[None]] = 0
    return wooded


def _bank(rng: np.random.Generator) -> Plane:
    """A meadow whose upper edge is a shore."""
    meadow = np.tile(grass(rng, (108, 124, 58)), (2, 4, 1))[:1400]
    height, width = meadow.shape[:2]
    below = np.arange(height, dtype=np.float32)[:, None] - 90 - 34 * fractal(rng, 2, width, coarsest_px=420, n_octaves=7, falloff=0.6)[:1]
    stony = np.clip(1 - below / 60 + 0.3 * fractal(rng, height, width, coarsest_px=40, n_octaves=5), 0, 1)[..., None]
    pebbles = np.tile(stones(rng, (150, 144, 134), columns=24, rows=30, joint_px=9, roundness=0.7, spread=0.25), (2, 4, 1))[:1400]
    mixed = meadow[..., :3] * (1 - stony) + pebbles[..., :3] * stony
    return cut_out(mixed, np.clip(below / 3, 0, 1))


def _far_house(rng: np.random.Generator, left: float, z: float, width: float, height: float) -> Quad:
    """What closes a street."""
    return facing(facade(rng, House(wall=(206, 196, 180)), width, height, px_per_m=24).texture(), left, height, z, width, height, light=0.85)


def _tiled_wall(rng: np.random.Generator, x: float, start: float, length: float, height: float) -> Quad:
    """A tiled wall along the right side."""
    tiles = stones(rng, (214, 212, 200), columns=16, rows=24, joint_px=3, spread=0.035)
    return Quad(tiles, (x, height, start + length), (0, 0, -length), (0, -height, 0), (length / 4, height / 3), 0.74)


def _tower(rng: np.random.Generator, x: float, z: float, width: float, height: float, colour: Colour) -> list[Quad]:
    """A church tower at the end of a street, with a pointed roof."""
    panel = Panel(width, height, colour, px_per_m=20)
    panel.weather(rng)
    for y in (0.12 * height, 0.45 * height):
        _lancet(panel, width * 0.3, y, width * 0.14, 3.2, (54, 50, 48), -30)
        _lancet(panel, width * 0.56, y, width * 0.14, 3.2, (54, 50, 48), -30)
    panel.box(0, 0.36 * height, width, 0.4, (214, 204, 186), 20)
    _lancet(panel, width * 0.32, height - 5.5, width * 0.36, 5.5, (60, 52, 48), -30)
    panel.disc(width / 2, 0.3 * height, width * 0.14, (232, 228, 214), 8)
    roof = Panel(width + 1, height * 0.45, (92, 104, 98), px_per_m=20)
    roof.weather(rng)
    y, across = np.mgrid[0 : 1 : roof.colour.height * 1j, -1 : 1 : roof.colour.width * 1j]
    spire = cut_out(roof.texture()[..., :3] * (1.1 - 0.3 * (across > 0.1))[..., None].astype(np.float32), (np.abs(across) < y**1.25).astype(np.float32))
    return [facing(panel.texture(), x, height, z, width, height, light=0.92), facing(spire, x - 0.5, height * 1.45, z - 0.2, width + 1, height * 0.45)]


def _lancet(panel: Panel, x: float, y: float, width: float, height: float, colour: Colour, raised_cm: float) -> None:
    """A window with a pointed arch."""
    rise = min(width, height * 0.5)
    turns = np.linspace(0, np.pi / 3, 9)
    left = [(x + width - width * np.cos(turn), y + rise * 0.9 - rise * 1.04 * np.sin(turn)) for turn in turns]
    right = [(x + width * np.cos(turn), y + rise * 0.9 - rise * 1.04 * np.sin(turn)) for turn in turns[::-1]]
    panel.polygon([(x, y + height), *left, *right, (x + width, y + height)], colour, raised_cm)


def _gothic(rng: np.random.Generator, stone: Plane, width: float, height: float, storeys: list[Storey], *, px_per_m: float = 28) -> Panel:
    """A Gothic wall: storeys of blind arches given as (top, height, width, gap), with string courses between."""
    panel = Panel(width, height, (206, 186, 148), px_per_m=px_per_m)
    tile = Image.fromarray((255 * stone[..., :3]).astype(np.uint8)).resize((round(6 * px_per_m),) * 2)
    for left in range(0, panel.colour.width, tile.width):
        for top in range(0, panel.colour.height, tile.height):
            panel.colour.paste(tile, (left, top))
    for start, tall, wide, gap in storeys:
        panel.box(0, start - 0.7, width, 0.4, (218, 202, 168), 40)
        n = max(int((width - gap) / (wide + gap)), 1)
        margin = (width - n * (wide + gap) + gap) / 2
        for index in range(n):
            x = margin + index * (wide + gap)
            _lancet(panel, x - 0.22, start - 0.22, wide + 0.44, tall + 0.22, (222, 206, 172), 22)
            _lancet(panel, x, start, wide, tall, (104, 92, 76) if wide < 1.5 else (70, 68, 68), -45)
            if wide >= 1.5:
                panel.box(x + wide / 2 - 0.1, start + 0.3, 0.2, tall - 0.3, (206, 190, 156), -10)
    panel.weather(rng, mottle=0.06, streaks=0.06, grain=0.02)
    return panel


def _cathedral(rng: np.random.Generator, stone: Plane, *, z: float) -> list[Quad]:
    """The west front: a broad screen of arches, a tall middle with three doors, two towers behind, one more far off."""
    screen = _gothic(rng, stone, 46, 19, [(2, 3.4, 1.0, 0.45), (6.8, 4.2, 1.2, 0.5), (12.4, 5.8, 1.9, 0.9)])
    middle = _gothic(rng, stone, 18, 25, [(2.2, 4, 1.1, 0.4), (8, 7.5, 3.2, 1.2)])
    for x, wide, tall in ((1.2, 3.4, 7.2), (6.3, 5.4, 8.6), (13.4, 3.4, 7.2)):
        for inset in (0.0, 0.35, 0.7):
            shade = (212 - round(60 * inset), 194 - round(60 * inset), 156 - round(50 * inset))
            _lancet(middle, x + inset, 25 - tall + inset, wide - 2 * inset, tall - inset, shade, -30 - 40 * inset)
        _lancet(middle, x + 1.0, 25 - tall + 1.3, wide - 2.0, tall - 1.3, (66, 48, 36), -80)
    tower = _gothic(rng, stone, 10, 30, [(2, 8, 1.8, 1.0), (13, 7, 1.8, 1.0), (22.5, 5, 1.2, 0.6)])
    far_tower = _gothic(rng, stone, 14, 30, [(2, 10, 2.6, 1.2), (15, 8, 1.4, 0.7)])
    gable = _gothic(rng, stone, 18, 7, [])
    gable.disc(9, 4.6, 1.5, (222, 206, 172), 20)
    gable.disc(9, 4.6, 1.2, (80, 74, 68), -40)
    y, across = np.mgrid[0 : 1 : gable.colour.height * 1j, -1 : 1 : gable.colour.width * 1j]
    pediment = cut_out(gable.texture((0.6, -0.7))[..., :3], (np.abs(across) < y).astype(np.float32))
    light = (0.6, -0.7)
    return [
        facing(screen.texture(light), -23, 19, z, 46, 19),
        facing(middle.texture(light), -9, 25, z - 1.6, 18, 25, light=1.04),
        on_left(middle.texture(light)[:, :64], 9, z - 1.6, 1.6, 25, light=0.6),
        facing(pediment, -9, 32, z - 1.5, 18, 7, light=1.02),
        *(quad for x in (-13.5, 3.5) for quad in (facing(tower.texture(light), x, 49, z + 10, 10, 30, light=0.97), *_pinnacles(rng, x, 49, z + 9.9, 10))),
        facing(far_tower.texture(light), -7, 58, z + 70, 14, 30, light=0.95),
        *_pinnacles(rng, -7, 58, z + 69.9, 14),
        *_pinnacles(rng, -23, 19, z - 0.1, 46),
    ]


def _pinnacles(rng: np.random.Generator, left: float, top: float, z: float, width: float) -> list[Quad]:
    """A pointed turret on each corner."""
    panel = Panel(1.8, 7, (196, 178, 142), px_per_m=24)
    panel.weather(rng)
    y, across = np.mgrid[0 : 1 : panel.colour.height * 1j, -1 : 1 : panel.colour.width * 1j]
    shade = (1.0 - 0.35 * (across < -0.05))[..., None].astype(np.float32)
    texture = cut_out(panel.texture()[..., :3] * shade, (np.abs(across) < np.minimum(y * 1.3, 0.9)).astype(np.float32))
    return [facing(texture, x - 0.9, top + 6, z, 1.8, 7) for x in (left + 0.8, left + width - 0.8)]


def _palm(rng: np.random.Generator, *, size_px: int = 800) -> Plane:
    """A palm in a square: a bent ringed trunk and feathered leaves."""
    canvas = Image.new("RGBA", (size_px, size_px), (60, 100, 50, 0))
    draw = ImageDraw.Draw(canvas)
    head = np.array([size_px * rng.uniform(0.46, 0.56), size_px * 0.27])
    for share in np.linspace(0, 1, 90):
        x = size_px / 2 + (head[0] - size_px / 2) * share**2
        y, wide = size_px * (1 - 0.73 * share), 11 - 4 * share
        shade = 1.0 + 0.12 * (int(share * 90) % 2) + rng.normal(0, 0.04)
        for strip, light in ((-1.0, 1.15), (-0.3, 1.0), (0.4, 0.72)):
            draw.rectangle((x + strip * wide, y - 7, x + strip * wide + 0.75 * wide, y + 2), _tint((128, 112, 92), shade * light))
    for angle in np.sort(rng.uniform(-0.5, np.pi + 0.5, 30)):
        length, droop = size_px * rng.uniform(0.2, 0.29), rng.uniform(0.45, 1.2)
        steps = np.linspace(0, 1, 60)
        spine = head + np.column_stack([np.cos(angle) * steps, -np.sin(angle) * steps + droop * steps**2 * 0.9]) * length
        for index, (x, y) in enumerate(spine[4:-1], 4):
            away, leaf = steps[index], 0.15 * length * np.sin(np.pi * min(steps[index] + 0.12, 1)) + 2
            tone = (0.7 + 0.35 * np.sin(angle) * (1 - away) + rng.normal(0, 0.1)) * (1.1 if np.cos(angle) < 0 else 0.9)
            tint = _tint((78, 126, 58), tone)
            for side in (-1, 1):
                draw.line([(x, y), (x + side * leaf * 0.5 + np.cos(angle) * leaf * 0.5, y + leaf * 0.8)], tint, 1)
    return from_rgba(canvas)


def _fir(rng: np.random.Generator, *, size_px: int = 800) -> Plane:
    """A fir in a square, lit from the left."""
    canvas = Image.new("RGBA", (size_px, size_px), (40, 60, 40, 0))
    draw = ImageDraw.Draw(canvas)
    draw.rectangle((size_px * 0.49, size_px * 0.2, size_px * 0.51, size_px), (70, 56, 44, 255))
    for share in np.sort(rng.uniform(0, 1, 7000)):
        reach = size_px * 0.22 * share * (0.72 + 0.28 * np.sin(share * 70 + rng.normal(0, 0.5)))
        offset = reach * (1 - rng.uniform(0, 1) ** 1.5) * rng.choice([-1, 1])
        x, y = size_px / 2 + offset, size_px * (0.02 + 0.9 * share) + abs(offset) * 0.32
        tone = 0.86 - 1.3 * offset / size_px + rng.normal(0, 0.16)
        span = size_px * rng.uniform(0.003, 0.012) * (0.25 + share)
        draw.polygon([(x - span, y), (x + span, y - span * 0.5), (x + np.sign(offset) * span * 1.6, y + span * 1.6)], _tint((62, 86, 58), tone))
    return from_rgba(canvas)


def _meadow(
    rng: np.random.Generator, across: tuple[float, float], ahead: tuple[float, float], colour: Colour, *, n: int, size: float, ground: float
) -> list[Quad]:
    """Tufts of grass scattered over a rectangle of ground."""
    tufts = [_tuft(rng, colour) for _ in range(8)]
    # Ground near the camera fills more of the picture than its share of the metres.
    depth = 1 / rng.uniform(1 / ahead[1], 1 / ahead[0], n)
    tall = size * rng.uniform(0.35, 0.9, n)
    places = zip(rng.uniform(*across, n).tolist(), depth.tolist(), tall.tolist(), rng.uniform(0.82, 1.12, n).tolist(), strict=True)
    return [facing(tufts[index % 8], x - size / 2, ground + high, z, size, high, light=light) for index, (x, z, high, light) in enumerate(places)]


def _tuft(rng: np.random.Generator, colour: Colour) -> Plane:
    """Tall grass, now and then with a flower."""
    canvas = Image.new("RGBA", (192, 192), (*colour, 0))
    draw = ImageDraw.Draw(canvas)
    for _ in range(80):
        root, tip = 96 + rng.normal(0, 26), (96 + rng.normal(0, 48), rng.uniform(20, 150))
        draw.line([(root, 192), ((root + tip[0]) / 2 + rng.normal(0, 5), 110), tip], _tint(colour, rng.uniform(0.65, 1.3)), 2)
        if rng.random() < 0.012:
            draw.ellipse((tip[0] - 5, tip[1] - 5, tip[0] + 5, tip[1] + 5), (236, 216, 96, 255))
    return from_rgba(canvas)


def _tint(colour: Colour, tone: float) -> tuple[int, int, int, int]:
    red, green, blue = (int(np.clip(value * tone, 0, 255)) for value in colour)
    return red, green, blue, 255


def _wave_paving(rng: np.random.Generator) -> Plane:
    """Black and white waves of small stones."""
    mosaic = stones(rng, (226, 222, 212), columns=24, rows=24, joint_px=5, spread=0.06)
    size = mosaic.shape[0]
    y, x = np.mgrid[0 : 1 : size * 1j, 0 : 1 : size * 1j]
    dark = ((y + 0.13 * np.sin(2 * np.pi * x)) % 0.5 < 0.22).astype(np.float32)[..., None]
    return opaque(mosaic[..., :3] * (1 - 0.72 * dark))
