"""Learned models: they see arrays and tensors, never files."""
