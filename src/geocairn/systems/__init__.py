"""One file per system that turns a photo into log-scores over a hierarchy."""
