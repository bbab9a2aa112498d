"""From a path, bytes or a PIL image to an upright RGB photo with limits on every resource."""
