"""Why photos failed, in records and in words."""

from hypothesis import given
from hypothesis import strategies as st

from geocairn.evaluate.failures import MAX_REASONS, failure_reasons
from geocairn.evaluate.guess import ABSENT, Guess, Spot
from geocairn.evaluate.report import FailureReason

ANSWERED = Guess((Spot(1.0, 2.0, None, None),))


def test_photos_are_counted_by_reason_the_commonest_first():
    photos = ["x/a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg"]
    errors = ["/data/x/a.jpg: does not exist; check", None, "/data/c.jpg: is torn: at the end", "/data/d.jpg: does not exist; check", "torn"]
    guesses = [ANSWERED if error is None else Guess(error=error) for error in errors]
    assert failure_reasons(photos, guesses) == [
        FailureReason(n=2, example="/data/x/a.jpg", reason="does not exist; check"),
        FailureReason(n=1, example="/data/c.jpg", reason="is torn: at the end"),
        FailureReason(n=1, example="e.jpg", reason="torn"),
    ]
    assert failure_reasons(["a.jpg"], [ABSENT])[0].reason == "no prediction for this photo"
    assert failure_reasons(photos, [ANSWERED] * 5) == []


@given(st.lists(st.one_of(st.none(), st.text(max_size=3)), max_size=30))
def test_no_photo_is_counted_twice_and_few_reasons_lose_none(errors):
    found = failure_reasons([f"{row}.jpg" for row in range(len(errors))], [ANSWERED if error is None else Guess(error=error) for error in errors])
    n_failed = sum(error is not None for error in errors)
    assert len(found) <= MAX_REASONS
    assert sum(failure.n for failure in found) <= n_failed
    if len(set(errors) - {None}) <= MAX_REASONS:
        assert sum(failure.n for failure in found) == n_failed
