// A drawn outline of each group of animals, for one of which there is no picture.

import { make } from "./elements.js";
import { groupName } from "./words.js";

const NS = "http://www.w3.org/2000/svg";
const OUTLINES = {
  amphibians: "M18 44c1-9 6-14 12-16 1-9 12-11 15-3 20 2 33 12 38 28 7 3 9 9 7 15H68c-1-5-4-7-9-6l-5 6H38l5-9C28 59 19 53 18 44z",
  birds: "M8 31l13-4c2-9 9-14 17-13 9 1 14 8 13 17 20 3 33 12 43 28-12 1-22 0-31-3-4 6-10 9-17 10l2 10h9v3H41l-3-13C24 63 16 53 19 38z",
  fishes: "M6 41c12-17 36-24 58-9l24-16c-5 16-5 34 0 49L64 49C42 65 18 58 6 41z",
  insects:
    "M49 27C42 9 26 4 12 11c-2 13 3 22 13 27-11 1-15 9-11 20 9 10 25 6 34-11v24h4V47c9 17 25 21 34 11 4-11 0-19-11-20 10-5 15-14 13-27-14-7-30-2-37 16z",
  invertebrates: "M12 68c2-7 8-10 16-11-7-23 7-43 27-42 18 1 28 18 22 35 7-2 9-9 8-19l-5-8 3-1 5 8 3-9 3 1-3 11c3 22-6 35-23 35z",
  mammals: "M8 33c4-5 9-7 12-13l3-7 5 7c12 2 19 7 30 7 20-2 30 6 32 20l5 18-3 2-6-15-1 17h-8l-3-17c-9 4-19 4-27 1l-2 16h-8l-3-18c-8-3-11-8-13-13-6 1-11-1-13-5z",
  reptiles: "M4 42c5-9 14-11 22-8 15-7 30-5 41 2 10 5 19 3 29-6-3 15-15 22-29 18l7 11-7 2-9-13c-6 2-13 2-20 0l-3 14h-8l2-16c-10 2-19 1-25-4z",
  other: "M33 36a9 11 0 1 1-1 0zM53 26a9 12 0 1 1-1 0zM73 36a9 11 0 1 1-1 0zM52 48c14 0 24 12 22 22-3 8-14 2-22 2s-19 6-22-2c-2-10 8-22 22-22z",
};
const ALIKE = { night_mammals: "mammals" };

/** Return a drawing of a group, such as birds. */
export function outlineOf(group) {
  const svg = document.createElementNS(NS, "svg");
  svg.setAttribute("viewBox", "0 0 100 82");
  svg.setAttribute("class", "outline");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", groupName(group));
  const path = document.createElementNS(NS, "path");
  path.setAttribute("d", OUTLINES[ALIKE[group] ?? group] ?? OUTLINES.other);
  svg.append(path);
  return svg;
}

/** Return a place for the picture of a taxon, which its outline fills until there is one. */
export function placeOfPicture(group) {
  const place = make("span", "", { className: "reference" });
  place.append(outlineOf(group));
  return place;
}
