// The field guide: a page for each animal, a list of those that live at a place, and a search over all names. It is loaded
// when one of them is wanted. Each has an address, so that "back" and bookmarks work.

import { addressOf } from "./addresses.js";
import { animals, groups, rangeMap, searchTaxa, taxaOf, taxon } from "./api.js";
import { areasInWords, loadAreas } from "./areas.js";
import { letMove } from "./gestures.js";
import { choice, credit, fillPicture } from "./compare.js";
import { $, badge, definitions, make, taxonRow } from "./elements.js";
import { byName, capital, listed, say } from "./language.js";
import { containing, taxaCalled } from "./names.js";
import { outlineOf, placeOfPicture } from "./outlines.js";
import { areWanted } from "./pictures.js";
import { inWords } from "./problem.js";
import { seasonOf } from "./season.js";
import { traitsOf } from "./traits.js";
import { zoomTogether } from "./zoom.js";
import { groupName, rankInWords, residents } from "./words.js";

export { compared } from "./compare.js";

const STEP = 2; // how much closer a look at the map is than the one before
const MOST_AREAS = 6; // statements about a range; the others are there for the asking
const MARGIN = 0.6; // of the map, that a range fills at the first closer look
const CLOSEST = 12; // times, of that look
const SITES = { wikipedia: "Wikipedia", inaturalist: "iNaturalist", gbif: "GBIF", wikidata: "Wikidata", ebird: "eBird" };

export class Guide {
  #request = new AbortController();
  #makeMap;

  /** @param {(svg: SVGSVGElement) => object} makeMap  makes a map of the world in an empty <svg> */
  constructor(makeMap) {
    this.#makeMap = makeMap;
  }

  /**
   * Show a page of the guide. Return its heading.
   * @param {{kind: string, value: string}} page  as `wanted` of addresses.js returns it
   * @param {object | null} answer  the current one, which may say where the person is and what lives there
   */
  async show({ kind, value }, answer) {
    this.#request.abort();
    this.#request = new AbortController();
    const { signal } = this.#request;
    this.#fill(say("loading"), []);
    try {
      const pages = { taxon: () => this.#species(value, answer, signal), here: () => this.#here(value, signal), find: () => found(value, signal) };
      const { heading, content } = await pages[kind]();
      if (!signal.aborted) this.#fill(heading, content);
    } catch (problem) {
      if (!signal.aborted) this.#fill(["not_found", "taxon_missing"].includes(problem.code) ? say("guide.missing") : inWords(problem), []);
    }
    return $("guide-heading").textContent;
  }

  #fill(heading, content) {
    $("guide-heading").textContent = heading;
    $("guide-content").replaceChildren(...content);
  }

  async #species(id, answer, signal) {
    const [facts, names] = await Promise.all([taxon(id, signal), loadAreas()]);
    const { name, scientific_name: scientificName, group } = facts;
    const candidate = answer?.candidates.find((each) => each.taxon === id);
    const lead = make("p", "", { className: "names" });
    lead.append(make("i", name === scientificName ? "" : scientificName), " ", make("span", rankInWords(facts), { className: "tag", hidden: !rankInWords(facts) }));
    if (candidate?.here) lead.append(" ", badge(candidate.here));
    const content = [lead, pictureOf(facts, signal)];
    if (facts.lives === "range") content.push(this.#range(facts, signal));
    const pairs = [
      ...livesIn(facts, names),
      ...traitsOf(id).map(([term, value]) => [say(term), capital(say(value))]),
      ...(candidate?.season ? [[say("compare.season"), seasonOf(candidate.season)]] : []),
      ...(facts.other_names?.length ? [[say("guide.other-names"), listed(facts.other_names)]] : []),
      [say("taxon.lineage"), facts.lineage.slice(0, -1).map((each) => each.name).join(", ")],
      [say("taxon.links"), Object.entries(facts.links).flatMap(([site, href]) => [link(SITES[site] ?? site, href), " "])],
    ];
    const list = make("dl");
    list.append(...definitions(pairs));
    const relatives = await relativesOf(facts, answer, signal);
    content.push(list);
    if (relatives.rows.length) content.push(make("h3", relatives.heading), listOf(relatives.rows));
    content.push(sourcesOf(facts));
    return { heading: capital(name), content, group };
  }

  /** A map with the range, which taps, gestures and buttons zoom. It begins with a closer look at a small range. */
  #range({ name, taxon: id }, signal) {
    const figure = make("figure", "", { className: "world" });
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", say("map.range", { name }));
    const map = this.#makeMap(svg);
    const wasMoved = letMove(svg, map);
    svg.addEventListener("click", (event) => {
      const place = map.placeAt(event);
      if (place && !wasMoved()) map.closeUp(place, map.zoom * STEP);
    });
    const button = (sign, key, act) => {
      const made = make("button", sign, { type: "button", className: "small", ariaLabel: say(key), title: say(key) });
      made.addEventListener("click", act);
      return made;
    };
    const legend = make("figcaption");
    const key = (status) => {
      const part = make("span");
      part.append(make("span", "", { className: `key ${status}` }), ` ${say(`taxon.${status}`)}`);
      return part;
    };
    legend.append(key("native"), " ", key("introduced"), " ", button("+", "zoom.in", () => map.zoomBy(STEP)), button("−", "zoom.out", () => map.zoomBy(1 / STEP)));
    figure.append(svg, legend);
    const show = async () => {
      map.showRange(await rangeMap(id, signal));
      new ResizeObserver((_, observer) => {
        if (!svg.clientWidth) return; // it is not on the page yet
        observer.disconnect();
        lookCloser(svg, map);
      }).observe(svg);
    };
    show().catch(() => figure.remove());
    return figure;
  }

  async #here(value, signal) {
    const [latitude, longitude] = value.split(",").map(Number);
    const [found, known] = await Promise.all([animals({ latitude, longitude }, signal), groups(signal)]);
    const status = make("p", residents(found.animals.length, found.features.mode), { role: "status" });
    const list = make("ul", "", { className: "taxa", tabIndex: -1 });
    const text = make("input", "", { type: "search", autocomplete: "off", placeholder: say("guide.filter") });
    text.ariaLabel = say("guide.filter");
    const group = choose([["", say("guide.all-groups")], ...known.groups.map((each) => [each.group, capital(groupName(each.group))])], say("guide.group"));
    const origin = choose(["", "native", "introduced"].map((here) => [here, here ? capital(say(`here.${here}`)) : say("guide.all-origins")]), say("guide.origin"));
    const show = async () => {
      const members = group.value && new Set((await taxaOf(group.value, signal)).taxa.map((each) => each.taxon));
      const letters = text.value.trim();
      const fits = (each) => (!members || members.has(each.taxon)) && (!origin.value || each.here === origin.value);
      const rows = containing(byName(found.animals.filter(fits)), letters, (each) => `${each.name}\n${each.scientific_name}`);
      status.textContent = residents(rows.length, rows.length ? found.features.mode : letters || members || origin.value ? "" : found.features.mode);
      if (!rows.length && found.animals.length) status.textContent = say("guide.none");
      list.replaceChildren(...rows.map((each) => linkedRow(each, ...(each.here === "native" ? [] : [badge(each.here)]))));
    };
    for (const each of [text, group, origin]) each.addEventListener("input", show);
    const filters = make("div", "", { className: "filters", role: "search" });
    filters.append(text, group, origin);
    await show();
    return { heading: say("guide.here"), content: [filters, status, list] };
  }
}

/** Return what a search finds, each a link to its page if it has one. */
async function found(text, signal) {
  const taxa = await taxaCalled(text, (each) => searchTaxa(each, signal));
  const heading = say(taxa.length ? "guide.found" : "guide.not-found", { text });
  const rows = taxa.map((each) => {
    const row = each.taxon ? linkedRow(each) : taxonRow(each);
    if (each.found_by) row.append(make("span", say("guide.found-by", { name: each.found_by }), { className: "quiet" }));
    return row;
  });
  return { heading, content: [listOf(rows)] };
}

/** Zoom in on the range that a map shows, if that is small. */
function lookCloser(svg, map) {
  const boxes = [...svg.querySelectorAll(".native, .introduced")].map((each) => each.getBoundingClientRect());
  if (!boxes.length) return;
  const [left, top] = [Math.min(...boxes.map((box) => box.left)), Math.min(...boxes.map((box) => box.top))];
  const [right, bottom] = [Math.max(...boxes.map((box) => box.right)), Math.max(...boxes.map((box) => box.bottom))];
  const zoom = MARGIN * Math.min(svg.clientWidth / (right - left), svg.clientHeight / (bottom - top));
  const place = map.placeAt({ clientX: (left + right) / 2, clientY: (top + bottom) / 2 });
  if (place && zoom > STEP) map.closeUp(place, Math.min(zoom, CLOSEST));
}

/** The picture of a taxon, or its outline, with the button that shows or hides pictures. */
function pictureOf(facts, signal) {
  const figure = make("figure", "", { className: "portrait" });
  const fill = async () => {
    const place = placeOfPicture(facts.group);
    const caption = make("figcaption");
    figure.replaceChildren(place, caption, choice(fill));
    if (!areWanted()) return;
    const picture = await fillPicture(place, facts, signal);
    caption.replaceChildren(picture ? credit(picture) : say("pictures.none"));
    if (picture) caption.append(" ", ...zoomTogether([place]));
  };
  fill();
  return figure;
}

/** Return terms and descriptions of where a taxon lives, composed of the names of areas. */
function livesIn({ lives, ranges }, names) {
  const statement = ({ areas, words, extent, certainty, season }) => {
    const where = areas ? areasInWords(areas, names) : words;
    const details = [season && say(`season.${season}`), certainty === "doubt" && say("taxon.doubt")].filter(Boolean).join(", ");
    const area = extent === "within" ? say("taxon.within", { area: where }) : where;
    return make("li", capital(details ? say("areas.details", { area, details }) : area));
  };
  const pairs = ["native", "introduced"].map((status) => [
    say(`taxon.${status}`),
    ranges.filter((each) => each.status === status).map(statement),
  ]);
  const stated = pairs.filter(([, items]) => items.length);
  if (lives !== "range" || !stated.length) return [[say("taxon.lives"), say(`taxon.${lives}`) || say("taxon.unknown")]];
  const listOfAreas = (items) => {
    const list = make("ul", "", { className: "areas" });
    list.append(...items);
    return list;
  };
  return stated.map(([term, items]) => {
    if (items.length <= MOST_AREAS + 1) return [term, listOfAreas(items)];
    const more = make("details", "", { className: "plain" });
    more.append(make("summary", say("relatives.rest", { count: items.length - MOST_AREAS })), listOfAreas(items.slice(MOST_AREAS)));
    return [term, [listOfAreas(items.slice(0, MOST_AREAS)), more]];
  });
}

/** Return the close relatives of a taxon: those at the place of the answer, or else all that Faunalens knows. */
async function relativesOf({ taxon: id, scientific_name: scientificName, group }, answer, signal) {
  const [genus] = scientificName.split(" ");
  const alike = (each) => each.taxon !== id && each.scientific_name.startsWith(`${genus} `);
  const [latitude, longitude] = answer?.location.center ?? [];
  const isHere = latitude !== undefined;
  const known = await (isHere ? animals({ latitude, longitude }, signal).then((each) => each.animals) : taxaOf(group, signal).then(({ taxa }) => taxa)).catch(() => []);
  const { prediction } = answer ?? {};
  const unknown = isHere && prediction?.scientific_name === scientificName ? (prediction.relatives_here?.taxa ?? []) : [];
  const rows = [...byName(known.filter(alike)).map((each) => linkedRow(each)), ...unknown.map((each) => taxonRow(each))];
  return { heading: say(isHere ? "guide.relatives-here" : "guide.relatives"), rows };
}

function sourcesOf({ sources = [] }) {
  const part = make("details");
  const list = make("ul", "", { lang: "en", className: "quiet" });
  list.append(...sources.map(({ title, licence }) => make("li", `${title} (${licence})`)));
  part.append(make("summary", say("guide.sources")), list);
  part.hidden = !sources.length;
  return part;
}

/** Return a list item that leads to the page of a taxon. */
function linkedRow({ name, scientific_name: scientificName, taxon: id, group }, ...more) {
  const row = make("li");
  const leads = make("a", capital(name), { href: addressOf("taxon", id) });
  if (group) row.append(outlineOf(group));
  row.append(leads, " ", ...more);
  if (scientificName !== name) row.append(make("i", scientificName));
  return row;
}

function listOf(rows) {
  const list = make("ul", "", { className: "taxa" });
  list.append(...rows);
  return list;
}

function choose(options, name) {
  const made = make("select", "", { ariaLabel: name });
  made.append(...options.map(([value, text]) => make("option", text, { value })));
  return made;
}

/** Return a link that opens in a new tab, so that the page stays. */
function link(text, href) {
  return make("a", text, { href, target: "_blank", rel: "noreferrer" });
}
