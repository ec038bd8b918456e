// Names of animals in the language of the page. The API has English ones.

import { fold } from "./gazetteer.js";
import { tableAt } from "./language.js";

const { names: address, relatives } = document.documentElement.dataset; // addresses; empty if the page is in English
const MOST = 10; // suggestions
const loadTable = tableAt(address); // by English name in lower case
const loadMore = tableAt(relatives); // of further birds, by scientific name

/** Load the names, unless they are there. Return a promise of them: null in English, and none if the request fails. */
export function loadNames() {
  return address ? loadTable() : null;
}

/** Return the names that a response of the API needs: with those of further birds, which no model knows, if it has such. */
export async function namesFor(value) {
  const names = await loadNames();
  if (!names || !lacksName(value, names)) return names;
  return { ...names, ...(await loadMore()) };
}

function lacksName(value, names) {
  if (typeof value !== "object" || !value) return false;
  const { scientific_name: scientificName } = value;
  const name = value.english ?? value.name;
  if (name && scientificName && name !== scientificName && !names[name.toLowerCase()]) return true;
  return Object.values(value).some((each) => lacksName(each, names));
}

/**
 * Replace the names in a response of the API, also in one whose names were replaced before, in another language.
 * An animal without a name gets its scientific one.
 */
export function rename(value, names) {
  if (typeof value !== "object" || !value) return value;
  if (value.name && value.scientific_name) {
    value.english ??= value.name;
    value.name = names ? (names[value.english.toLowerCase()] ?? names[value.scientific_name] ?? value.scientific_name) : value.english;
  }
  for (const each of Object.values(value)) rename(each, names);
  return value;
}

/** Return where a name contains what was typed, or -1. Letters typed without accents are found with them too: "aguila" in "águila". */
export function placeIn(name, typed) {
  const place = name.toLowerCase().indexOf(typed.toLowerCase());
  return place < 0 && /^[ -~]*$/.test(typed) ? fold(name).indexOf(fold(typed)) : place;
}

/** Return the English names of animals, in lower case, whose name in the language contains a text, the shortest first. */
export async function englishNames(text, most) {
  const found = Object.entries((await loadNames()) ?? {}).filter(([, name]) => placeIn(name, text) >= 0);
  return found.sort(([, a], [, b]) => a.length - b.length).slice(0, most).map(([english]) => english);
}

/** Return names in the language that contain a text, with the English ones, those that begin with it first. */
export async function namesLike(text) {
  const place = ({ name }) => placeIn(name, text);
  const named = Object.entries((await loadNames()) ?? {}).map(([english, name]) => ({ name, english }));
  const found = new Map(named.filter((each) => place(each) >= 0).map((each) => [each.name, each]));
  return [...found.values()].sort((a, b) => place(a) - place(b)).slice(0, MOST);
}
