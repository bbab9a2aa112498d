"""A small renderer of street scenes, for the example pictures: textured rectangles in space, seen by a camera with the faults of a real one."""
