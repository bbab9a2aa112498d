"""From log-scores and clues to a posterior, and from a posterior to a calibrated Prediction."""
