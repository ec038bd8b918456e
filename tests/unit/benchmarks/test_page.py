"""The page of benchmarks keeps the tables of those that did not run."""

from benchmarks.__main__ import MODULES, PAGE, updated


def test_one_benchmark_replaces_its_own_section_only() -> None:
    page = (
        "# Benchmarks\n\nHead.\n\n## `python -m benchmarks.request`\n\nold\n\n## `python -m benchmarks.start`\n\nkept\n"
    )
    # WHEN one benchmark ran again, and one for the first time
    found = updated(page, {"request": "new", "flush": "first"})
    # THEN the head is new, other sections stay, and the order is that of the command
    assert found.startswith("# Benchmarks\n\n`python -m benchmarks --write` wrote this page")
    _, sections = found.split("\n\n## ", 1)
    assert sections == (
        "`python -m benchmarks.request`\n\nnew\n\n## `python -m benchmarks.start`\n\nkept\n\n"
        "## `python -m benchmarks.flush`\n\nfirst\n"
    )


def test_the_page_has_a_section_for_each_benchmark() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [page.count(f"## `python -m benchmarks.{name}`") for name in MODULES] == [1] * len(MODULES)
