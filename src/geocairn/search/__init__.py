"""Search over vectors of places: flat, and by a beam down the hierarchy."""
