"""Taxa on real PostgreSQL and Valkey, with this checkout's data."""

import itertools
import random
import string
import zlib
from collections.abc import Iterator
from contextlib import closing
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import pytest
import redis

from chalicelib.config.settings import Settings
from chalicelib.config.stores import DatabaseSettings, RedisSettings
from chalicelib.deadline import Deadline
from chalicelib.errors import RangeMissing, TaxonMissing, Unavailable
from chalicelib.features.cache import taxon_key
from chalicelib.services import build_cache, build_store
from chalicelib.stores.postgres import PostgresStore
from chalicelib.stores.redis_cache import RedisCache
from chalicelib.stores.taxa import (
    CACHED,
    CACHED_SECONDS,
    LIKENESS,
    SEARCH_LIMIT,
    NamedTaxon,
    Of,
    RecentSearches,
    Taxa,
    _queries,
)
from faunalens.data.database import activate
from faunalens.data.load import load
from local.stack.postgres import PostgresServer
from local.stack.valkey import ValkeyServer
from tests.integration.faunalens.data import sample_data
from tests.support.in_memory import rollout

SECONDS = 60.0
"""Enough for a query on a machine that does something else too: how long one may take is tested elsewhere."""
NOWHERE = Settings(
    redis=RedisSettings(url="redis://127.0.0.1:9"), database=DatabaseSettings(url="postgresql://x@127.0.0.1:9/nothing")
)


@pytest.fixture(scope="module")
def store(loaded_database: str) -> Iterator[PostgresStore]:
    settings = Settings(database=DatabaseSettings(url=loaded_database))
    with closing(build_store(settings, statement=SECONDS)) as store:
        yield store


@pytest.fixture
def plain_redis(valkey_server: ValkeyServer) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(valkey_server.url) as client:
        client.flushall()
        yield client


@pytest.fixture
def cache(valkey_server: ValkeyServer, plain_redis: redis.Redis) -> Iterator[RedisCache]:  # noqa: ARG001
    with closing(build_cache(Settings(redis=RedisSettings(url=valkey_server.url, prefix="")))) as cache:
        yield cache


@pytest.fixture
def taxa(cache: RedisCache, store: PostgresStore) -> Taxa:
    return Taxa(cache, store, ttl=60.0, seconds=SECONDS)


@pytest.mark.parametrize(
    ("text", "first", "found_by"),
    [
        ("koala", "phascolarctos-cinereus", None),  # by its common name
        ("Phascolarctos cinereus", "phascolarctos-cinereus", None),  # by its scientific name
        ("phascolarctos-cinereus", "phascolarctos-cinereus", None),
        ("KOAL", "phascolarctos-cinereus", None),  # by the beginning of a name, in any case
        ("rock python", "python-sebae", None),  # by the beginning of a word
        ("koalla", "phascolarctos-cinereus", None),  # with a typing error
        ("jagaur", "panthera-onca", None),
        ("Calocitta formosa", "cyanocorax-formosus", "Calocitta formosa"),  # by an old name
        ("picoides nuttali", "dryobates-nuttallii", "Picoides nuttallii"),  # with a typing error
        ("rough-legged hawk", "buteo-lagopus", "Rough-legged Hawk"),  # by another common name
        ("vulpes vulpis", None, None),
    ],
)
def test_a_search_finds_names_beginnings_and_typing_errors_and_names_the_old_or_other_name(
    taxa: Taxa, text: str, first: str | None, found_by: str | None
) -> None:
    found = taxa.search(text).found
    assert 0 < len(found) <= SEARCH_LIMIT
    if first is not None:
        assert (found[0].taxon, found[0].found_by) == (first, found_by)


def test_a_search_finds_at_most_twenty_and_in_one_group_only_its_taxa(taxa: Taxa) -> None:
    assert len(taxa.search("e").found) == SEARCH_LIMIT
    found = taxa.search("bear", "Mammals").found
    assert {each.group for each in found} == {"mammals"}
    assert found[0].name.endswith("bear")


@pytest.mark.parametrize("text", ["xyzzyq", "%", "'; drop table animal; --", "🐨"])
def test_what_is_no_name_finds_nothing(taxa: Taxa, text: str) -> None:
    assert taxa.search(text).found == []
    assert taxa.search(text).version


def test_groups_and_their_taxa_are_listed(taxa: Taxa, loaded_database: str) -> None:
    with closing(psycopg2.connect(loaded_database)) as connection, connection.cursor() as cursor:
        cursor.execute("select count(*) from animal")
        ((count,),) = cursor.fetchall()
    groups = taxa.groups().found
    assert set(groups) == {"amphibians", "birds", "fishes", "insects", "invertebrates", "mammals", "reptiles"}
    assert sum(groups.values()) == count
    birds = taxa.in_group("birds").found
    assert len(birds) == groups["birds"]
    assert [each.name for each in birds] == sorted((each.name for each in birds), key=str.casefold)
    # AND a group is found however it is written, and an unknown one is empty
    assert taxa.in_group("Birds").found == birds
    assert taxa.in_group("dragons").found == []


def test_a_taxon_has_names_ids_lineage_and_its_range_in_words(taxa: Taxa) -> None:
    facts = taxa.facts("phascolarctos-cinereus").found
    assert (facts["name"], facts["rank"], facts["group"]) == ("koala", "species", "mammals")
    assert facts["ids"] == {"inaturalist": "42983", "wikidata": "Q36101"}
    assert [each["rank"] for each in facts["lineage"]] == ["phylum", "class", "order", "family", "genus", "species"]
    assert {"Kangaroo Island"} == {each["words"] for each in facts["ranges"] if each["note"] == "from the 1920s"}
    assert {each["source"] for each in facts["sources"]} == {each["source"] for each in facts["ranges"]}
    # AND one that was renamed has its old name, with the source of that
    magpie_jay = taxa.facts("cyanocorax-formosus").found
    assert magpie_jay["other_names"] == ["Calocitta formosa"]
    assert "inat-2017" in {each["source"] for each in magpie_jay["sources"]}


def test_ranges_are_drawn_or_the_error_says_why_not(taxa: Taxa) -> None:
    assert taxa.outlines("phascolarctos-cinereus").found.startswith('{"type":"FeatureCollection"')
    name, paths = taxa.paths("phascolarctos-cinereus").found
    assert (name, paths[:5]) == ("koala", "<path")
    for taxon, reason in {"felis-catus-egyptian-mau": "all over the world", "trilobita": "extinct"}.items():
        with pytest.raises(RangeMissing, match=reason):
            taxa.outlines(taxon)


@pytest.mark.parametrize("taxon", ["nobody", "felidae", "leopardus-pardalis", "", "a\0b", "UPPER", "x" * 300, "a b"])
def test_an_unknown_taxon_is_missing(taxa: Taxa, taxon: str) -> None:
    # GIVEN an id that is none, or that an answer gives to a family or to a relative that no model knows
    for ask in (taxa.facts, taxa.outlines, taxa.paths):
        with pytest.raises(TaxonMissing, match="no animal that models know has this id"):
            ask(taxon)


def test_redis_answers_for_a_database_that_is_down(
    cache: RedisCache, store: PostgresStore, plain_redis: redis.Redis
) -> None:
    # GIVEN a taxon that was asked for once, and the version in Redis
    first = Taxa(cache, store, 60.0, 20.0)
    outlines = first.outlines("phascolarctos-cinereus")
    cache.announce(rollout(outlines.version), 60.0, Deadline.after(5))
    with closing(build_store(NOWHERE)) as down:
        # WHEN the database is down THEN Redis has it
        later = Taxa(cache, down, 60.0, 20.0)
        assert later.outlines("phascolarctos-cinereus") == outlines
        # AND other taxa, and searches, are unavailable
        for ask in (lambda: later.facts("vulpes-vulpes"), lambda: later.search("fox"), later.groups):
            with pytest.raises(Unavailable, match="not known just now"):
                ask()
        # AND damaged values are none, and counted
        counted: list[int] = []
        damaged = [b"damaged", *(zlib.compress(text) for text in (b"[]", b"5", b'{"is_drawn":true}', b"[" * 100_000))]
        for part, value in itertools.product(("facts", "outlines", "paths"), damaged):
            plain_redis.set(taxon_key("phascolarctos-cinereus", part, outlines.version), value)
            later = Taxa(cache, down, 60.0, 20.0, damaged=lambda: counted.append(1))
            with pytest.raises(Unavailable):
                getattr(later, part)("phascolarctos-cinereus")
        assert len(counted) == 15
    plain_redis.flushall()
    cache.announce(rollout(outlines.version), 60.0, Deadline.after(5))
    assert first.outlines("phascolarctos-cinereus") == outlines
    # AND values expire, and an unknown taxon has none
    with pytest.raises(TaxonMissing):
        first.facts("nobody")
    for part, seconds in (("facts", range(1, 61)), ("outlines", range(1, 61)), ("paths", [-2])):
        assert plain_redis.ttl(taxon_key("phascolarctos-cinereus", part, outlines.version)) in seconds
    assert not plain_redis.exists(taxon_key("nobody", "facts", outlines.version))


def test_without_an_active_dataset_taxa_are_unavailable(cache: RedisCache, database_url: str) -> None:
    with closing(psycopg2.connect(database_url)) as connection:
        load(connection, sample_data.dataset("one"), lambda _: None)
        with closing(build_store(Settings(database=DatabaseSettings(url=database_url)))) as store:
            taxa = Taxa(cache, store, 60.0, 20.0)
            for ask in (taxa.groups, lambda: taxa.search("a"), lambda: taxa.facts("animalia-0")):
                with pytest.raises(Unavailable):
                    ask()
            activate(connection, "one")
            assert taxa.facts("animalia-0").found["group"] == "other"


def test_a_load_does_not_make_readers_of_taxa_wait(cache: RedisCache, database_url: str) -> None:
    # GIVEN a dataset, and a load of another one whose transaction is still open
    with closing(psycopg2.connect(database_url)) as connection, closing(psycopg2.connect(database_url)) as loading:
        load(connection, sample_data.dataset("one"), lambda _: None)
        activate(connection, "one")
        with closing(build_store(Settings(database=DatabaseSettings(url=database_url)))) as store:
            asked = list[str]()
            load(
                loading,
                sample_data.dataset("two"),
                lambda _: asked.append(Taxa(cache, store, 60.0, 20.0).search("odd").version),
            )
    # THEN each step of the load could be interrupted by a search
    assert len(asked) > 3
    assert set(asked) == {"one"}


def test_without_the_extension_a_search_still_finds_beginnings(
    cache: RedisCache, database_url: str, postgres_server: PostgresServer
) -> None:
    # GIVEN a database whose owner may not create the extension
    name = database_url.rpartition("/")[2]
    with closing(psycopg2.connect(postgres_server.admin_url)) as admin:
        admin.autocommit = True
        admin.cursor().execute(f"alter database {name} owner to current_user")
    own_url = urlsplit(postgres_server.admin_url)._replace(path=f"/{name}").geturl()
    with closing(psycopg2.connect(own_url)) as admin:
        admin.autocommit = True
        admin.cursor().execute("grant all on schema public to public")
    said: list[str] = []
    with closing(psycopg2.connect(database_url)) as connection:
        # WHEN the data are loaded THEN a warning says so
        load(connection, sample_data.dataset("one"), said.append)
        activate(connection, "one")
    assert "pg_trgm could not be created" in said[0]
    with closing(build_store(Settings(database=DatabaseSettings(url=database_url)))) as store:
        taxa = Taxa(cache, store, 60.0, 20.0)
        assert len(taxa.search("animalia").found) == 3
        assert taxa.search("anmialia").found == []


def test_a_second_load_leaves_a_search_as_forgiving_as_the_first(cache: RedisCache, database_url: str) -> None:
    # GIVEN a database whose owner, no superuser, has loaded data
    # WHEN the owner loads again, from a new connection
    said: list[str] = []
    for version in ("one", "two"):
        with closing(psycopg2.connect(database_url)) as connection:
            load(connection, sample_data.dataset(version), said.append)
            activate(connection, version)
    # THEN nobody is warned, and a typing error is forgiven
    assert [line for line in said if "warning" in line] == []
    with closing(build_store(Settings(database=DatabaseSettings(url=database_url)))) as store:
        assert len(Taxa(cache, store, 60.0, 20.0).search("animaalia").found) == 3


def test_a_search_uses_the_index_however_long_the_text_is(store: PostgresStore) -> None:
    # GIVEN the whole dataset, and the longest text that the API takes, which is like no name
    text = "".join(random.Random(1).choices(string.ascii_lowercase, k=40))
    reads = "select coalesce(sum(idx_scan), 0) from pg_stat_user_indexes where indexrelname = 'animal_names'"

    def times_read() -> int:
        return int(store.rows(reads, (), Deadline.after(SECONDS))[0][0])

    before = times_read()
    # WHEN it is searched for THEN the index was read, for both kinds of names; PostgreSQL says so within seconds
    assert store.rows(_queries()["search"], (text, None, LIKENESS, SEARCH_LIMIT), Deadline.after(SECONDS))
    until = monotonic() + SECONDS
    while times_read() < before + 2:
        assert monotonic() < until
        sleep(0.1)


def test_a_search_reads_no_table_once_for_each_name_that_it_finds(store: PostgresStore) -> None:
    # GIVEN the whole dataset, and a text with which hundreds of names begin WHEN PostgreSQL shows its plan
    query, arguments = _queries()["search"], ("e", None, LIKENESS, SEARCH_LIMIT)
    (((plan,),),) = store.rows(
        f"explain (analyze, timing off, format json) {query}", arguments, Deadline.after(SECONDS)
    )
    # THEN each scan of a whole table runs once
    scans = [each for each in _nodes(plan["Plan"]) if each["Node Type"] == "Seq Scan"]
    assert {each["Relation Name"] for each in scans} >= {"animal", "other_name"}
    assert {each["Actual Loops"] for each in scans} <= {0, 1}


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a node of a plan, and all below it."""
    yield plan
    for each in plan.get("Plans", ()):
        yield from _nodes(each)


def test_the_same_search_is_not_asked_twice_in_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now, recent, asked = 100.0, RecentSearches(), list[str]()
    monkeypatch.setattr("chalicelib.stores.taxa.monotonic", lambda: now)

    def search(text: str) -> None:
        def from_database() -> Of[list[NamedTaxon]]:
            asked.append(text)
            return Of("v1", [])

        recent.get((text, None), from_database)

    for text in ("koala", "koala", "fox", "fox"):
        search(text)
    # AND after a minute it is, as the dataset may have changed; so it is after many others
    now += CACHED_SECONDS
    for text in ("koala", *map(str, range(CACHED)), "koala"):
        search(text)
    assert asked == ["koala", "fox", "koala", *map(str, range(CACHED)), "koala"]
