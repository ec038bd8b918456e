from chalicelib.features.deadline import Deadline


def test_time_left_shrinks_and_turns_negative() -> None:
    assert 0.9 < Deadline.after(1).left() <= 1
    assert Deadline.after(-1).left() < 0


def test_within_takes_the_sooner() -> None:
    soon, late = Deadline.after(1), Deadline.after(10)
    assert late.within(1).left() <= 1
    assert soon.within(10).at == soon.at
