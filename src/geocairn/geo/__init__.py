"""The geometry of the sphere: distances, unit vectors, means, GeoScore."""
