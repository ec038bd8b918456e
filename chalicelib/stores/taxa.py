"""What the active dataset says about taxa: from Redis (cache-aside), or else from PostgreSQL.

The facts about a taxon never change within a dataset, so a value in Redis is right as long as it exists. Searches are
not cached in Redis, because anybody could fill Redis with them.
"""

import json
import re
import zlib
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple

from chalicelib.deadline import Deadline
from chalicelib.errors import CacheError, RangeMissing, StoreError, TaxonMissing, Unavailable
from chalicelib.features.cache import ROLLOUT, Cache, Entry, Rollout, taxon_key

if TYPE_CHECKING:
    from chalicelib.stores.postgres import PostgresStore

SEARCH_LIMIT = 20
"""Maximum number of taxa that a search finds."""
LIKENESS = 0.4
"""Least likeness of a name that a search finds: `jagaur` is like jaguar by 0.43, and like jay by 0.29."""
CACHED, CACHED_SECONDS = 256, 60.0
"""Number of searches that a process remembers, and for how long: many people look for the same animals."""

_FACTS = frozenset(
    {"taxon", "name", "scientific_name", "rank", "kind", "group", "ids", "lineage", "ranges", "sources", "is_drawn"}
)
"""Keys of the facts of a taxon, which taxa.sql makes."""
_ID = re.compile(r"[a-z0-9-]{1,200}", re.ASCII)
_NO_TAXON = "no animal that models know has this id; GET /taxa?q= finds those by name"
_NO_RANGE = {
    **dict.fromkeys(("dog", "cat", "farm"), "people keep it all over the world"),
    "caged": "it lives with people only",
    "cosmopolitan": "it is so wide a group that it lives everywhere",
    "extinct": "it is extinct",
}


class NamedTaxon(NamedTuple):
    """A taxon with its names. `found_by`: the old or other name by which a search found it, if not by its own."""

    taxon: str
    name: str
    scientific_name: str
    rank: str
    kind: str
    group: str
    found_by: str | None = None


class Of[T](NamedTuple):
    """What was found in the dataset, with the dataset's version."""

    version: str
    found: T


class RecentSearches:
    """The results of a process's searches in the last `CACHED_SECONDS`, by text and group. Thread-safe."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str | None], tuple[float, Of[list[NamedTaxon]]]] = {}
        self._lock = Lock()

    def get(self, asked: tuple[str, str | None], search: Callable[[], Of[list[NamedTaxon]]]) -> Of[list[NamedTaxon]]:
        """Return the kept result of the text and group in `asked`. Without one, call `search` and keep what it returns.

        Raises the errors of `search`.
        """
        until, found = self._found.get(asked, (0.0, None))
        if found is None or monotonic() >= until:
            found = search()
            with self._lock:
                while len(self._found) >= CACHED:
                    del self._found[next(iter(self._found))]  # the oldest
                self._found.pop(asked, None)
                self._found[asked] = monotonic() + CACHED_SECONDS, found
        return found


class Taxa:
    """The taxa of the active dataset. Every method raises `Unavailable` if no store has them within `seconds`.

    `ttl`: lifetime of values in Redis, in seconds. `recent`: where the results of searches are kept. `damaged`: called
    for each value in Redis that is not in the form that this module writes; such a value counts as missing.
    """

    def __init__(
        self,
        cache: Cache,
        store: "PostgresStore",
        ttl: float,
        seconds: float,
        recent: RecentSearches | None = None,
        damaged: Callable[[], None] = lambda: None,
    ) -> None:
        self._cache, self._store, self._ttl = cache, store, ttl
        self._recent, self._damaged = recent or RecentSearches(), damaged
        self._deadline = Deadline.after(seconds)

    def search(self, text: str, group: str | None = None) -> Of[list[NamedTaxon]]:
        """Return the taxa with names that equal or begin with `text`, despite typing errors; the likeliest first."""
        return self._recent.get(
            (text, group), lambda: _named(self._rows("search", text, group, LIKENESS, SEARCH_LIMIT))
        )

    def in_group(self, group: str) -> Of[list[NamedTaxon]]:
        """Return all taxa of a group, sorted by name."""
        return _named(self._rows("group", group))

    def groups(self) -> Of[dict[str, int]]:
        """Return the number of taxa in each group."""
        rows = self._rows("groups")
        return Of(rows[0][0], {group: count for _, group, count in rows})

    def facts(self, taxon: str) -> Of[dict[str, Any]]:
        """Return the names, ids, lineage, ranges and sources of a taxon. Raises `TaxonMissing`."""
        return self._of_taxon(taxon, "facts")

    def outlines(self, taxon: str) -> Of[str]:
        """Return the range of a taxon as GeoJSON. Raises `TaxonMissing` and `RangeMissing`."""
        self._expect_range(taxon)
        return self._of_taxon(taxon, "outlines")

    def paths(self, taxon: str) -> Of[tuple[str, str]]:
        """Return the name of a taxon and its range as SVG paths. Raises `TaxonMissing` and `RangeMissing`."""
        facts = self._expect_range(taxon)
        version, paths = self._of_taxon(taxon, "paths")
        return Of(version, (facts["name"], paths))

    def _expect_range(self, taxon: str) -> dict[str, Any]:
        facts = self.facts(taxon).found
        if not facts["is_drawn"]:
            why = _NO_RANGE.get(facts["kind"], "no source states where it lives")
            raise RangeMissing(f"this taxon has no range: {why}")
        return facts

    def _of_taxon(self, taxon: str, part: str) -> Of[Any]:
        if not _ID.fullmatch(taxon):
            raise TaxonMissing(_NO_TAXON)
        cached = self._cached(taxon, part)
        if cached is not None:
            return cached
        ((version, found),) = self._rows(part, taxon)
        if found is None:
            raise TaxonMissing(_NO_TAXON)
        value = zlib.compress(json.dumps(found, allow_nan=False).encode())
        with suppress(CacheError):
            self._cache.write([Entry(taxon_key(taxon, part, version), value, self._ttl)], self._deadline)
        return Of(version, found)

    def _cached(self, taxon: str, part: str) -> Of[Any] | None:
        try:
            if rollout := self._cache.read(ROLLOUT, self._deadline):
                version = Rollout.from_text(rollout).active
                if value := self._cache.read(taxon_key(taxon, part, version), self._deadline):
                    return Of(version, _checked(part, json.loads(zlib.decompress(value))))
        except CacheError:
            pass
        except (ValueError, RecursionError, zlib.error):
            self._damaged()
        return None

    def _rows(self, query: str, *arguments: object) -> list[tuple[Any, ...]]:
        try:
            rows = self._store.rows(_queries()[query], arguments, self._deadline)
            if not rows:
                raise StoreError("postgres_no_dataset", "the database has no active dataset")
        except StoreError as error:
            raise Unavailable("the taxa are not known just now; try again in a moment") from error
        return rows


def _checked(part: str, found: Any) -> Any:
    """Return `found`, a part of a taxon from Redis. Raises `ValueError` if it lacks the form that taxa.sql gives it."""
    is_facts = isinstance(found, dict) and found.keys() >= _FACTS and isinstance(found["is_drawn"], bool)
    if not (is_facts if part == "facts" else isinstance(found, str)):
        raise ValueError(f"the value does not have the form of {part}")
    return found


def _named(rows: list[tuple[Any, ...]]) -> Of[list[NamedTaxon]]:
    return Of(rows[0][0], [NamedTaxon(*row) for _, *row in rows if row[0] is not None])


@cache
def _queries() -> dict[str, str]:
    """Return the queries in taxa.sql by name. A query about one taxon returns one row: version, and part or null."""
    texts = re.split(r"^-- (\w+)$", Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(texts[1::2], texts[2::2], strict=True))
