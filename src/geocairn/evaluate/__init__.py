"""Predictions against a manifest under a named protocol."""
