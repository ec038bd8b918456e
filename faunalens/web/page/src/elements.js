// Find and make elements.

import { hereInWords } from "./words.js";

export const $ = (id) => document.getElementById(id);

export function make(tag, text = "", attributes = {}) {
  return Object.assign(document.createElement(tag), { textContent: text, ...attributes });
}

/** Show a text in an element, which is hidden if there is none. */
export function showText(id, text) {
  $(id).textContent = text;
  $(id).hidden = !text;
}

/** Return what stands for a photo that the browser cannot show: its format, as the name of the file says it. */
export function placeholder({ name = "" }) {
  const [, format = "?"] = /\.(\w{1,5})$/.exec(name) ?? [];
  return make("span", format.toUpperCase(), { className: "placeholder" });
}

/** Return a list item with the names of a taxon. `more`: elements after the common name. */
export function taxonRow({ name, scientific_name: scientificName }, ...more) {
  const row = make("li");
  row.append(make("b", name), " ", ...more); // the space is for screen readers, and for copying
  if (scientificName !== name) row.append(make("i", scientificName));
  return row;
}

/** Return a badge that says whether an animal lives at the location, hidden if there is nothing to say (null). */
export function badge(here) {
  return make("span", hereInWords(here), { className: `badge ${here}`, hidden: !here });
}

/** Return the terms and values of a <dl>. A value is a text or elements. */
export function definitions(pairs) {
  return pairs.flatMap(([term, value]) => {
    const described = make("dd");
    described.append(...[value].flat());
    return [make("dt", term), described];
  });
}
