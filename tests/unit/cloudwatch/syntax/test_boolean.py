from cloudwatch.syntax.boolean import And, Boolean, Not, Or, holds, leaves

TREE: Boolean[str] = Or((And(("a", Not("b"))), Not(And(("c", "d"))), "e"))


def test_leaves_are_in_the_order_of_the_text() -> None:
    assert list(leaves(TREE)) == ["a", "b", "c", "d", "e"]


def test_leaves_below_a_not_can_be_left_out() -> None:
    assert list(leaves(TREE, negated=False)) == ["a", "e"]


def test_a_tree_holds_by_its_leaves() -> None:
    for true, expected in (("acd", True), ("abcd", False), ("bcd", False), ("c", True), ("bcde", True)):
        assert holds(TREE, lambda leaf, true=true: leaf in true) is expected  # type: ignore[misc]
