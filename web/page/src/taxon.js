// What is known of a taxon: where it lives, what it belongs to, and pages about it.

import { definitions, make } from "./elements.js";
import { say } from "./language.js";
import { lives } from "./words.js";

const SITES = { wikipedia: "Wikipedia", inaturalist: "iNaturalist", gbif: "GBIF", wikidata: "Wikidata", ebird: "eBird" };

/** Return the content of a <dl>, for a response of the API about a taxon. */
export function aboutTaxon({ lives: where, ranges, lineage, links }) {
  const above = lineage.slice(0, -1); // the last one is the taxon itself
  const pairs = [...lives(where, ranges), [say("taxon.lineage"), above.map(({ name }) => name).join(", ")]];
  const pages = Object.entries(links).flatMap(([site, href]) => [link(SITES[site] ?? site, href), " "]);
  return { status: "", content: definitions([...pairs, [say("taxon.links"), pages]]) };
}

/** Return a link that opens in a new tab, so that the answer stays. */
function link(text, href) {
  return make("a", text, { href, target: "_blank", rel: "noreferrer" });
}
