from cloudwatch.syntax.grammar import And, Boolean, Not, Or, ParseError, holds, leaves


def test_an_error_has_text_position_and_problem() -> None:
    error = ParseError("a + + b", 4, "expected a number")
    assert str(error) == "expected a number, at character 5 of `a + + b`"
    assert (error.text, error.at) == ("a + + b", 4)


def test_an_error_shows_only_what_is_near_in_a_long_text() -> None:
    error = ParseError("a" * 100 + "!" + "b" * 100, 100, "unexpected !")
    assert str(error) == f"unexpected !, at character 101 of `…{'a' * 60}!{'b' * 59}…`"


TREE: Boolean[str] = Or((And(("a", Not("b"))), Not(And(("c", "d"))), "e"))


def test_leaves_are_in_the_order_of_the_text() -> None:
    assert list(leaves(TREE)) == ["a", "b", "c", "d", "e"]


def test_leaves_below_a_not_can_be_left_out() -> None:
    assert list(leaves(TREE, negated=False)) == ["a", "e"]


def test_a_tree_holds_by_its_leaves() -> None:
    for true, expected in (("acd", True), ("abcd", False), ("bcd", False), ("c", True), ("bcde", True)):
        assert holds(TREE, lambda leaf, true=true: leaf in true) is expected  # type: ignore[misc]
