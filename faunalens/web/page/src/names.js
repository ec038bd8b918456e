// Names of animals in the language of the page. The API has English ones.

import { bare, fold } from "./gazetteer.js";
import { tableAt } from "./language.js";

const { names: address, relatives } = document.documentElement.dataset; // addresses; empty if the page is in English
const MOST = 10; // suggestions
const MOST_LOOKED_UP = 5; // names in the language that a search asks the API for
const FEWEST = 3; // letters that tell names apart in another spelling
const LIKE = 0.6; // least likeness of a name: "löwen" is like Löwe by 0.86, "mapche" like mapache by 0.73
const loadTable = tableAt(address); // by English name in lower case
const loadMore = tableAt(relatives); // of relatives, and further everyday names, by scientific name, a line each; in English too

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
    value.name = names ? (names[value.english.toLowerCase()] ?? names[value.scientific_name]?.split("\n")[0] ?? value.scientific_name) : value.english;
  }
  for (const each of Object.values(value)) rename(each, names);
  return value;
}

/**
 * Return the items whose names contain what was typed, also without accents: "aguila" in "águila". Those that contain it in
 * another spelling follow: "loewe" in "Löwe", "oter" in "otter"; of "zzz" too little is left for that.
 */
export function containing(items, typed, namesOf = ({ name }) => name) {
  const within = (spelling) => items.filter((each) => spelling(namesOf(each)).includes(spelling(typed)));
  if (!/^[ -~]*$/.test(typed)) return within((text) => text.toLowerCase());
  return [...new Set([...within(bare), ...(fold(typed).length < FEWEST ? [] : within(fold))])];
}

/**
 * Return names in the language that contain a text, or else are like it, despite typing errors. Each has the taxon's
 * English name, its scientific one, or both. The shortest, or the likest, come first.
 */
export async function namesLike(text, most = MOST) {
  const named = [
    ...Object.entries((await loadNames()) ?? {}).map(([english, name]) => ({ name, english })),
    ...Object.entries(await loadMore()).flatMap(([latin, lines]) => lines.split("\n").map((name) => ({ name, scientific_name: latin }))),
  ];
  let found = containing(named, text);
  found.sort((one, other) => one.name.length - other.name.length);
  if (!found.length) {
    const rated = named.map((each) => [likeness(each.name, text), each]).filter(([like]) => like >= LIKE);
    found = rated.sort(([one], [other]) => other - one).map(([, each]) => each);
  }
  const distinct = new Map();
  for (const each of found) {
    const known = distinct.get(each.name) ?? each;
    const latin = known.scientific_name && !each.scientific_name?.includes(" ") ? known.scientific_name : each.scientific_name; // a species, or the widest
    distinct.set(each.name, { ...each, ...known, scientific_name: latin });
  }
  return [...distinct.values()].slice(0, most);
}

/** Return the share of pairs of letters that two names have in common, from 0 to 1. */
function likeness(...names) {
  const [one, other] = names.map(fold).map((name) => new Set(Array.from(name.slice(1), (letter, i) => name[i] + letter)));
  return (2 * [...one].filter((pair) => other.has(pair)).length) / (one.size + other.size || 1);
}

/**
 * Return the taxa that a text may name, those that are called exactly so first. `search`: the API's, by English and
 * scientific names. Taxa without a page in the guide have no `taxon`.
 */
export async function taxaCalled(text, search) {
  const own = await namesLike(text, MOST_LOOKED_UP);
  const [like, ...answers] = await Promise.all([text, ...own.map((each) => each.english ?? each.scientific_name)].map(search));
  const isSame = (one, other) => (one.rank !== "breed" && one.scientific_name === other.scientific_name) || one.english.toLowerCase() === other.english;
  const known = own.map((each, i) => answers[i].taxa.find((taxon) => isSame(taxon, each)) ?? each);
  const taxa = [...known, ...like.taxa].filter((each) => each.scientific_name);
  const isCalledSo = (each) => fold(each.name) === fold(text);
  taxa.sort((one, other) => isCalledSo(other) - isCalledSo(one));
  return [...new Map(taxa.map((each) => [each.taxon ?? each.scientific_name, each])).values()];
}
