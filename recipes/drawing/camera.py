"""A pinhole camera before textured rectangles: x to the right, y up, z ahead, metres."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from drawing.noise import Plane, halved

FAR_M = 1e5
Point = tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Quad:
    """A textured parallelogram.

    Attributes:
        texture: (H, W, 4), colours multiplied by their opacity.
        corner: where the texture's top left corner is.
        along, down: its upper and left edge.
        repeat: how often the texture stands side by side along both.
        light: factor on its colours.
        is_decal: lies upon another quad, and wins over it.
    """

    texture: Plane
    corner: Point
    along: Point
    down: Point
    repeat: tuple[float, float] = (1, 1)
    light: float = 1.0
    is_decal: bool = False

    @cached_property
    def is_opaque(self) -> bool:
        """Nothing can be seen through it."""
        return not self.is_decal and bool(self.texture[..., 3].min() >= 1)

    @cached_property
    def pyramid(self) -> list[Plane]:
        """The texture, and halves of it down to a few pixels."""
        levels = [self.texture]
        while min(levels[-1].shape[:2]) >= 4:
            level = levels[-1][: levels[-1].shape[0] // 2 * 2, : levels[-1].shape[1] // 2 * 2]
            levels.append(halved(level))
        return levels


@dataclass(frozen=True)
class Camera:
    """Where it stands, where it looks (degrees to the right and up), and how long its lens is (in picture widths)."""

    position: Point = (0.0, 1.65, 0.0)
    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0
    focal: float = 0.9
    width: int = 2048
    height: int = 1536

    @property
    def ray_of_pixel(self) -> NDArray[np.float64]:
        """(3, 3): directions in the world of homogeneous pixels (column, row, 1); their depth is 1."""
        yaw, pitch, roll = np.radians([self.yaw_deg, self.pitch_deg, self.roll_deg])
        turn_yaw = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
        turn_pitch = np.array([[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]])
        turn_roll = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
        f = self.focal * self.width
        lens = np.array([[1 / f, 0, -self.width / 2 / f], [0, -1 / f, self.height / 2 / f], [0, 0, 1]])
        return np.asarray(turn_yaw @ turn_pitch @ turn_roll @ lens)

    def rays(self) -> Plane:
        """(H, W, 3) directions of all pixels."""
        rows, columns = np.mgrid[: self.height, : self.width].astype(np.float32)
        return np.asarray(np.stack([columns, rows, np.ones_like(rows)], axis=2) @ self.ray_of_pixel.T.astype(np.float32))


def take_picture(camera: Camera, quads: Sequence[Quad], sky: Plane) -> tuple[Plane, Plane]:
    """Colours (H, W, 3) and depths (H, W) of quads before a sky."""
    colour, depth = sky.copy(), np.full(sky.shape[:2], FAR_M, np.float32)
    by_distance = sorted(quads, key=lambda quad: _distance(camera, quad))
    solid = [quad for quad in by_distance if quad.is_opaque]
    decals = [quad for quad in quads if quad.is_decal]  # in the order given: they lie upon one another
    pierced = [quad for quad in reversed(by_distance) if not quad.is_opaque and not quad.is_decal]
    for quad in [*solid, *decals, *pierced]:
        _draw(camera, quad, colour, depth)
    return colour, depth


def _distance(camera: Camera, quad: Quad) -> float:
    middle = np.array(quad.corner) + (np.array(quad.along) + np.array(quad.down)) / 2
    return float(np.linalg.norm(middle - camera.position))


def _draw(camera: Camera, quad: Quad, colour: Plane, depth: Plane) -> None:
    frame = np.column_stack([quad.along, quad.down, np.array(quad.corner) - camera.position])
    if abs(np.linalg.det(frame)) < 1e-9:
        return  # seen edge on
    # along a + down b + corner - position = depth * ray: three linear functions of the pixel give a / depth, b / depth and 1 / depth.
    matrix = np.linalg.inv(frame) @ camera.ray_of_pixel
    top, bottom, left, right = _bounds(camera, quad)
    if top >= bottom or left >= right:
        return
    rows, columns = np.mgrid[top:bottom, left:right].astype(np.float32)
    a, b, nearness = (np.float32(row[0]) * columns + np.float32(row[1]) * rows + np.float32(row[2]) for row in matrix)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        a, b, distance = a / nearness, b / nearness, 1 / nearness
        behind = depth[top:bottom, left:right] * np.float32(1.003 if quad.is_decal else 1)
        seen = (nearness > 1e-6) & (a >= 0) & (a < 1) & (b >= 0) & (b < 1) & (distance < behind)
    if not seen.any():
        return
    a, b, nearness, distance = a[seen], b[seen], nearness[seen], distance[seen]
    texel = _sample(quad, matrix, a, b, nearness)
    place = (slice(top, bottom), slice(left, right))
    colour[place][seen] = colour[place][seen] * (1 - texel[:, 3:]) + texel[:, :3] * np.float32(quad.light)
    if not quad.is_decal:
        depth[place][seen] = np.where(texel[:, 3] > 0.5, distance, depth[place][seen])


def _bounds(camera: Camera, quad: Quad) -> tuple[int, int, int, int]:
    """Rows and columns that the quad may cover: all where part of it lies behind the camera."""
    corner, along, down = (np.array(edge, dtype=float) for edge in (quad.corner, quad.along, quad.down))
    corners = np.array([corner, corner + along, corner + down, corner + along + down]) - camera.position
    pixels = corners @ np.linalg.inv(camera.ray_of_pixel).T
    if pixels[:, 2].min() < 0.05:
        return 0, camera.height, 0, camera.width
    columns, rows = (pixels[:, :2] / pixels[:, 2:]).T
    return (
        int(np.clip(np.floor(rows.min()), 0, camera.height)),
        int(np.clip(np.ceil(rows.max()) + 1, 0, camera.height)),
        int(np.clip(np.floor(columns.min()), 0, camera.width)),
        int(np.clip(np.ceil(columns.max()) + 1, 0, camera.width)),
    )


def _sample(quad: Quad, matrix: NDArray[np.float64], a: Plane, b: Plane, nearness: Plane) -> Plane:
    """The texture's mean over what each pixel covers: where that is long and narrow, the mean of four samples along it."""
    n_rows, n_columns = quad.texture.shape[:2]
    m, turns = matrix.astype(np.float32), (n_columns * quad.repeat[0], n_rows * quad.repeat[1])
    per_column, per_row = (
        np.stack([(m[0, axis] - a * m[2, axis]) * turns[0], (m[1, axis] - b * m[2, axis]) * turns[1]], axis=1) / nearness[:, None] for axis in (0, 1)
    )
    across, downward = np.hypot(*per_column.T), np.hypot(*per_row.T)
    is_tall = (downward > across)[:, None]
    longer, shorter = np.log2(np.maximum(across, downward) + 1e-6), np.log2(np.minimum(across, downward) + 1e-6)
    level = np.clip(np.round(np.maximum(shorter, longer - 2)), 0, len(quad.pyramid) - 1).astype(np.int8)
    stretch = np.where(is_tall, per_row, per_column) / np.array([n_columns, n_rows])
    texel, is_narrow = np.empty((len(a), 4), np.float32), longer - shorter > 0.7
    for index in range(int(level.min()), int(level.max()) + 1):
        for steps, group in (((0.0,), level == index), ((-0.375, -0.125, 0.125, 0.375), (level == index) & is_narrow)):
            if group.any():
                column, row = a[group] * np.float32(quad.repeat[0]), b[group] * np.float32(quad.repeat[1])
                reach = stretch[group].astype(np.float32)
                samples = [
                    _bilinear(quad.pyramid[index], column + np.float32(step) * reach[:, 0], row + np.float32(step) * reach[:, 1], wrap=quad.repeat != (1, 1))
                    for step in steps
                ]
                texel[group] = sum(samples) / np.float32(len(steps))
    return texel


def _bilinear(texture: Plane, a: Plane, b: Plane, *, wrap: bool) -> Plane:
    height, width = texture.shape[:2]
    column, row = a * width - np.float32(0.5), b * height - np.float32(0.5)
    left, top = np.floor(column).astype(np.int32), np.floor(row).astype(np.int32)
    fx, fy = (column - left)[:, None], (row - top)[:, None]

    def texel(y: NDArray[np.int32], x: NDArray[np.int32]) -> Plane:
        if wrap:
            return np.asarray(texture[y % height, x % width])
        return np.asarray(texture[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)])

    upper = texel(top, left) * (1 - fx) + texel(top, left + 1) * fx
    lower = texel(top + 1, left) * (1 - fx) + texel(top + 1, left + 1) * fx
    return np.asarray(upper * (1 - fy) + lower * fy)
