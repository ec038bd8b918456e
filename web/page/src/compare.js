// The likeliest animals side by side: what each is, where it lives, and a map of that.

import { rangeMap, taxon } from "./api.js";
import { Disclosure } from "./disclosure.js";
import { $, badge, make } from "./elements.js";
import { probability, say } from "./language.js";
import { aboutTaxon } from "./taxon.js";

const MOST = 3;

export class Comparison {
  #candidates = [];
  #details = new Disclosure($("compare"), (signal) => this.#load(signal));

  show(candidates) {
    this.#candidates = candidates.slice(0, MOST);
    this.#details.reset();
    $("compare").hidden = this.#candidates.length < 2;
  }

  async #load(signal) {
    const columns = this.#candidates.map(async (each) => column(each, await taxon(each.taxon, signal), signal));
    return { status: "", content: await Promise.all(columns) };
  }
}

function column({ name, scientific_name: scientificName, score, here, taxon: id }, facts, signal) {
  const part = make("section");
  const share = make("p", probability(score));
  share.append(" ", badge(here));
  const { content } = aboutTaxon(facts);
  const list = make("dl");
  list.append(...content);
  part.append(make("h4", name), make("i", scientificName), share);
  if (facts.lives === "range") part.append(mapOf(name, id, signal));
  part.append(list);
  return part;
}

/** Return the place of the map of a range, which fills as soon as the map is there. */
function mapOf(name, id, signal) {
  const place = make("div", "", { className: "map" });
  fill(place, name, id, signal);
  return place;
}

async function fill(place, name, id, signal) {
  const svg = await rangeMap(id, signal).catch(() => null);
  if (!svg) return place.remove();
  const url = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
  const map = make("img", "", { src: url, alt: say("compare.map", { name }) });
  map.addEventListener("load", () => URL.revokeObjectURL(url));
  place.append(map);
}
