"""Hierarchies of places: the type, its builders, its files, and the prior over places."""
