"""The page that compares two datasets."""

import re

from chalicelib.location import cell_of
from faunalens.data.compare import Change, Comparison, page_of


def test_a_page_is_safe_fits_a_phone_and_has_dark_colours_for_all_that_it_draws() -> None:
    # GIVEN names with signs of HTML, and an animal that gains a cell, loses one and keeps one
    berlin, paris, rome = (cell_of(*place) for place in ((52.5, 13.4), (48.9, 2.4), (41.9, 12.5)))
    change = Change("vulpes-vulpes", "red <fox>", [berlin], [paris], [rome], 0, 0)
    # WHEN it is made
    page = page_of(Comparison("old", "<new>", [change], [], []))
    # THEN they are text
    assert "<title>Dataset &lt;new&gt; compared with old</title>" in page
    assert "red &lt;fox&gt;: cells gained: 1, lost: 1" in page
    # AND no column is wider than a phone
    assert "minmax(min(30rem,100%),1fr)" in page
    # AND each colour has a dark one
    light, _, dark = page[: page.index("</style>")].partition("@media (prefers-color-scheme:dark)")
    assert "color-scheme:light dark" in light
    assert set(re.findall(r"[\w.]+\{(?:fill|color):", light)) == set(re.findall(r"[\w.]+\{(?:fill|color):", dark))
