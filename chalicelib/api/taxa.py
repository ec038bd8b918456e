"""Responses about taxa: lists, one taxon, and its range as GeoJSON and as a small map.

These responses depend only on the dataset, so browsers keep them for `MAX_AGE` and then ask whether it has changed.
"""

from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypedDict, cast
from urllib.parse import quote, quote_plus

from chalicelib.api.http import JSON, SVG, Request, Response, etag, unless_current
from chalicelib.api.responses import ModelVersion
from chalicelib.model.taxonomy import EVERYWHERE, KINDS
from chalicelib.stores.taxa import NamedTaxon, Of

if TYPE_CHECKING:
    from chalicelib.model.packs import LabelledModel
    from chalicelib.model.session import Model

MAX_AGE = 3600
"""Seconds for which browsers and caches use a response without asking again."""

Lives = Literal["range", "everywhere", "nowhere", "unknown"]
RangeStatus = Literal["native", "introduced", "vagrant", "absent"]

_WORLD = Path(__file__).parents[1] / "world.svg"
_LIVES: Mapping[str, Lives] = {"extinct": "nowhere", "caged": "nowhere", **dict.fromkeys(EVERYWHERE, "everywhere")}
"""Where animals without a range live, by their kind."""
_KIND = f"Kind: {', '.join(KINDS)}."
_SVG_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


class NamedInDataset(TypedDict):
    """A taxon of the dataset, with its names, rank, kind and group."""

    taxon: Annotated[str, "Stable id of the taxon, made from its scientific name."]
    name: Annotated[str, "Common name."]
    scientific_name: Annotated[str, "Scientific name."]
    rank: Annotated[str, "Taxonomic rank, such as species or genus."]
    kind: Annotated[str, _KIND]
    group: Annotated[str, "Group of animals, such as birds."]


class ListedTaxon(NamedInDataset):
    """A taxon in a list."""

    found_by: Annotated[str | None, "Old or other name by which a search found it; null if by its own."]


class TaxonGroup(TypedDict):
    """A group of animals."""

    group: Annotated[str, "Name of the group, such as birds."]
    taxa: Annotated[int, "Number of taxa in the group."]


class TaxonList(TypedDict):
    """The taxa of a search or a group, or the groups themselves."""

    taxa: Annotated[tuple[ListedTaxon, ...], "The taxa: of a search the likeliest first, of a group by name."]
    groups: Annotated[tuple[TaxonGroup, ...], "All groups, if the request names neither q nor group."]
    version: Annotated[str, "Version of the dataset."]


class LineageTaxon(TypedDict):
    """A taxon in the lineage of another one."""

    name: Annotated[str, "Common name."]
    scientific_name: Annotated[str, "Scientific name."]
    rank: Annotated[str, "Taxonomic rank, such as order."]


class StatedRange(TypedDict):
    """A source's statement about where a taxon lives."""

    status: Annotated[RangeStatus, "vagrant: only strays occur; absent: not in these areas, though beside them."]
    words: Annotated[str, "The areas, in English."]
    extent: Annotated[Literal["throughout", "within"], "within: only in parts of these areas."]
    certainty: Annotated[Literal["sure", "doubt"], "doubt: it may live there."]
    season: Annotated[str | None, "breeding, winter or passage; null for the whole year, or if unknown."]
    note: Annotated[str | None, "Explanation, if the statement may surprise a reader."]
    source: Annotated[str, "Key of the source in sources."]
    areas: Annotated[str, "The areas as an expression of codes and names, such as AU - AU-TAS."]


class RangeSource(TypedDict):
    """A source of statements about ranges."""

    source: Annotated[str, "Key of the source."]
    title: Annotated[str, "Title."]
    citation: Annotated[str, "Citation."]
    licence: Annotated[str, "Licence."]


class TaxonFacts(NamedInDataset):
    """The facts about a taxon: its names, lineage, ids, links and ranges."""

    lineage: Annotated[tuple[LineageTaxon, ...], "The taxa above it that have a common name, phylum first, and itself."]
    ids: Annotated[Mapping[str, str], "Its ids at inaturalist, wikidata, avibase and ebird, where they are sure."]
    links: Annotated[Mapping[str, str], "Pages about it at wikipedia, inaturalist, gbif, wikidata and ebird."]
    lives: Annotated[Lives, "Where it lives: in a range, everywhere, nowhere in the wild, or unknown."]
    ranges: Annotated[tuple[StatedRange, ...], "Statements about its range. It lives wherever one of them says so."]
    sources: Annotated[tuple[RangeSource, ...], "The sources of these statements and of other names."]
    models: Annotated[tuple[ModelVersion, ...], "The models that can name it; others may still name a taxon above it."]
    version: Annotated[str, "Version of the dataset."]
    other_names: Annotated[tuple[str, ...], "Old and other names, which searches find."]


def list_of(taxa: Of[list[NamedTaxon]]) -> TaxonList:
    """Return the response with the taxa of a search or a group."""
    found = tuple(cast("ListedTaxon", each._asdict()) for each in taxa.found)
    return {"taxa": found, "groups": (), "version": taxa.version}


def groups_of(groups: Of[dict[str, int]]) -> TaxonList:
    """Return the response with all groups of taxa, and the number of taxa in each."""
    found = tuple(TaxonGroup(group=group, taxa=taxa) for group, taxa in groups.found.items())
    return {"taxa": (), "groups": found, "version": groups.version}


def facts_of(facts: Of[dict[str, Any]], models: "Iterable[Model | LabelledModel]") -> TaxonFacts:
    """Return the response with the facts about a taxon. `models`: the models that can name it."""
    said = dict(facts.found)
    is_drawn = said.pop("is_drawn")
    itself = {name: said[name] for name in ("name", "scientific_name", "rank")}
    if not any(itself == each | {"name": said["name"]} for each in said["lineage"]):
        said["lineage"] = [*said["lineage"], itself]  # a species of a pack, a breed, or a group such as a tribe
    said |= {
        "ranges": [{"areas": "", **each} for each in said["ranges"]],
        "links": links_of(said["scientific_name"], said["ids"]),
        "lives": "range" if is_drawn else _LIVES.get(said["kind"], "unknown"),
        "models": tuple(ModelVersion(name=model.name, version=model.version) for model in models),
        "version": facts.version,
    }
    return cast("TaxonFacts", {"other_names": (), **said})


def links_of(scientific_name: str, ids: Mapping[str, str]) -> dict[str, str]:
    """Return URLs of pages about a taxon, by site: by scientific name at Wikipedia and GBIF, by id at the others."""
    links = {
        "wikipedia": f"https://en.wikipedia.org/wiki/{quote(scientific_name.replace(' ', '_'))}",
        "gbif": f"https://www.gbif.org/species/search?q={quote_plus(scientific_name)}",
        "inaturalist": f"https://www.inaturalist.org/taxa/{ids.get('inaturalist')}",
        "wikidata": f"https://www.wikidata.org/wiki/{ids.get('wikidata')}",
        "ebird": f"https://ebird.org/species/{ids.get('ebird')}",
    }
    return {site: link for site, link in links.items() if site in ids or site in ("wikipedia", "gbif")}


def svg_response(request: Request, drawing: Of[tuple[str, str]]) -> Response:
    """Return a response with a range drawn on a map of the world; the map's title is the taxon's name."""
    name, paths = drawing.found
    title = f"<title>Where it lives: {escape(name)}"
    text = _WORLD.read_text(encoding="utf-8").replace("<title>The world", title).replace("</svg>", f"{paths}</svg>")
    response = kept(request, text, SVG)
    return response._replace(headers={**response.headers, "Content-Security-Policy": _SVG_POLICY})


def kept(request: Request, text: str, media_type: str = JSON) -> Response:
    """Return a response that clients may keep for `MAX_AGE`, or a 304 if the client has it already."""
    headers = {"Cache-Control": f"public, max-age={MAX_AGE}", "ETag": etag(text), "X-Content-Type-Options": "nosniff"}
    return unless_current(request, Response(text, {**headers, "Content-Type": media_type}))
