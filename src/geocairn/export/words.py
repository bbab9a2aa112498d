"""The same few words about an answer wherever a person reads it: in KML, GPX and on the map."""

from geocairn.answer.prediction import Candidate, Prediction


def percent(p: float) -> str:
    """A probability in words that never round doubt away.

    >>> percent(0.714), percent(0.9996), percent(0.0004), percent(1.0), percent(0.0)
    ('71 %', '>99 %', '<1 %', '100 %', '0 %')
    """
    if 0 < p < 0.01:
        return "<1 %"
    return ">99 %" if 0.99 < p < 1 else f"{100 * p:.0f} %"


def kilometres(km: float) -> str:
    """A distance to two figures, or to the kilometre from 100 on.

    >>> kilometres(0.53), kilometres(12.04), kilometres(1234.5)
    ('0.53 km', '12 km', '1,234 km')
    """
    if km >= 10:
        return f"{km:,.0f} km"
    return f"{km:.1f} km" if km >= 1 else f"{km:.2g} km"


def place_name(candidate: Candidate) -> str:
    """The place at the point, fine to coarse, each name once."""
    return ", ".join(dict.fromkeys(reversed(candidate.chain)))


def candidate_line(candidate: Candidate) -> str:
    """The candidate in one line: rank, place, and how sure."""
    return f"{candidate.rank}. {place_name(candidate)}: {percent(candidate.p)} within {kilometres(candidate.radius_km)}"


def abstention_line(prediction: Prediction) -> str | None:
    """The abstention in one line; None for an answer."""
    return None if prediction.abstain is None else f"No answer: {prediction.abstain}"
