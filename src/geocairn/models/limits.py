"""What no setting of a model may exceed, so that a slip of the finger is a line and not a machine without memory."""

# Width of a layer.
MOST_UNITS = 65_536
