"""One file per kind of clue: what was read becomes a log-likelihood over a hierarchy and a record."""
