"""Data sets: importers of the public benchmarks, splits, a fair sample of the Earth, how evenly a set covers it."""
