"""The synthetic Earth: real places and generated features whose exact posterior is known."""
