"""Predictions as JSON, GeoJSON, KML, CSV, GPX and an HTML map."""
