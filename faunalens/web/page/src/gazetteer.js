// Find places by name in the lists that faunalens/data/maintain/gazetteer makes. Nothing that is typed leaves the browser.

import { decode } from "./polyline.js";

const TENTHS = 10; // units in a degree
const RANKS = { park: 19, other: 18 }; // of places in nature; of towns: the binary logarithm of the inhabitants, up to 25
const ABOVE = { country: 2, region: -1 }; // what it adds to the rank of the largest town
const [EXACT, FIRST_WORDS, BEGINS, LATER] = [12, 8, 6, 0]; // what it adds to a rank where in a name the typed letters are
const ALTERNATE = -0.5; // what it adds that the name is not the first one
const FEWEST = 4; // letters by which places are suggested if none has the name
const WIDE = Math.cos((1.5 * Math.PI) / 180); // from 1.5 degrees from its middle to the farthest town, a point says too little
const SHORT_NAMES = { AE: ["UAE"], GB: ["UK"], US: ["USA", "US"] };
const ABBREVIATION = /^[A-Z]{2,3}$/; // of a region, such as IL, which stands only after a town
const MORE_LETTERS = { ß: "ss", ø: "o", ł: "l", đ: "d", æ: "ae", œ: "oe", ð: "d", þ: "th", ı: "i" };
const SMALL_MARKS = /[\u02bb\u2018\u2019'\u0060\u00b4.,()]/g; // apostrophes of all kinds, points and brackets

/** Return a text in small letters, without accents: "Zürich" → "zurich". Each name keeps its line and its separators. */
export function bare(text) {
  const plain = text.toLowerCase().replace(/[ßøłđæœðþı]/g, (letter) => MORE_LETTERS[letter]);
  return plain.normalize("NFKD").replace(/\p{M}/gu, "").replace(SMALL_MARKS, "").replace(/[-–/]/g, " ");
}

/** Return a bare text without double letters and the e of German umlauts: "Zuerich" → "zurich", "Missouri" → "misouri". */
export function fold(text) {
  return bare(text).replace(/([aou])e/g, "$1").replace(/([a-z])\1+/g, "$1");
}

/**
 * @typedef {object} Place
 * @property {string} name  the one that was found
 * @property {string} where  region and country
 * @property {string} kind  town, country, region, or a kind of place in nature, such as park
 * @property {number} latitude
 * @property {number} longitude
 * @property {boolean} isWide  whether it is so large that a point says too little about what lives there
 */

export class Gazetteer {
  #countryNames;
  #language;
  #entries = [];
  #names = ""; // of all entries, folded, a line each
  #starts = []; // of the lines

  /** @param {string[]} languages  BCP 47, the first is that in which countries and regions are shown; they are found in all */
  constructor(languages) {
    [this.#language] = languages[0].split("-");
    this.#countryNames = languages.flatMap(countryNames);
  }

  /** Add the places in a list, or of one country in it. `withAreas`: and the regions and countries of its towns. */
  add(text, withAreas = false) {
    const entries = this.#read(text);
    if (withAreas) entries.push(...this.#areasOf(entries));
    const lines = fold(entries.map(({ names }) => names.join("|")).join("\n")).split("\n");
    for (const line of lines) {
      this.#starts.push(this.#names.length + 1);
      this.#names += `\n${line}`;
    }
    this.#entries.push(...entries);
  }

  /**
   * Return the places that a text may name, the best first. "Springfield, Illinois" names the region, too.
   * @returns {{places: Place[], isGuess: boolean}}  `isGuess`: whether they only begin like the text
   */
  search(text, most = 8) {
    const words = fold(text).split(/\s+/).filter(Boolean);
    const query = words.join(" ");
    if (query.length < 2 && !/[^a-z]/.test(query)) return { places: [], isGuess: false }; // one letter
    const places = this.#named(words, most);
    if (places.length || query.length <= FEWEST) return { places, isGuess: false };
    for (let length = query.length - 1; length >= FEWEST; length -= 1) {
      const guesses = this.#named([query.slice(0, length).trimEnd()], most);
      if (guesses.length) return { places: guesses, isGuess: true };
    }
    return { places, isGuess: false };
  }

  /** Return the places that have all words in their name, or the first ones there, and the others in their region. */
  #named(words, most) {
    for (let count = words.length; count > 0; count -= 1) {
      const name = words.slice(0, count).join(" ");
      const found = this.#matches(name, words.slice(count));
      if (found.length) return distinct(found.map((each) => this.#described(each)), most);
    }
    return [];
  }

  /** Return entries with a score and the number of the name that matches, the best first. */
  #matches(name, more) {
    const best = new Map();
    for (const before of name.length > 2 ? "\n| " : "\n|") {
      for (const at of positions(this.#names, before + name)) {
        const i = this.#lineAt(at + 1);
        const after = this.#names[at + 1 + name.length] ?? "\n";
        const fit = "\n|".includes(after) ? EXACT : after === " " ? FIRST_WORDS : BEGINS;
        const which = this.#names.slice(this.#starts[i], at + 1).split("|").length - 1;
        const score = this.#entries[i].rank + (before === " " ? LATER : fit) + (which ? ALTERNATE : 0);
        if (!(best.get(i)?.score >= score)) best.set(i, { entry: this.#entries[i], which, score });
      }
    }
    const found = [...best.values()].filter(({ entry }) => more.every((word) => this.#liesIn(entry, word)));
    return found.sort((a, b) => b.score - a.score);
  }

  #lineAt(position) {
    let [low, high] = [0, this.#starts.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#starts[middle] <= position) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Return whether a word is the beginning of one in the names of the region or the country of an entry. */
  #liesIn({ region, country }, word) {
    const names = [...this.#namesOfRegion(region), country, ...this.#namesOf(country)].map(fold);
    return names.some((each) => ` ${each}`.includes(` ${word}`));
  }

  #described({ entry: { names, region, country, kind, latitude, longitude, isWide }, which }) {
    const name = names[which];
    const within = [this.#namesOfRegion(region)[0], this.#namesOf(country)[0]].filter((each) => each && each !== name);
    return { name, where: [...new Set(within)].join(", "), kind, latitude, longitude, isWide };
  }

  #namesOf(country) {
    if (!country) return [];
    return [...new Set([...this.#countryNames.map((names) => names.of(country)), ...(SHORT_NAMES[country] ?? [])])];
  }

  /** Return the names in the line of a region, such as "Tyrol|Tirol;de es|…", first the one to show. */
  #namesOfRegion(line) {
    const names = line.split("|").map((each) => each.split(";"));
    const shown = names.find(([, languages = ""]) => languages.split(" ").includes(this.#language)) ?? names[0];
    return [shown, ...names.filter((each) => each !== shown)].map(([name]) => name);
  }

  /** Return the entries of a list. faunalens/data/maintain/gazetteer/listing.py describes its lines. */
  #read(text) {
    const entries = [];
    let [country, region, kind, before] = ["", "", "town", [0, 0, 0]];
    for (const line of text.split("\n")) {
      const tab = line.indexOf("\t");
      if (tab < 0) {
        const rest = line.slice(1);
        if (line[0] === "=") [country, region] = [rest, ""];
        else [kind, region] = line[0] === "+" ? [rest, ""] : ["town", rest];
        before = [0, 0, 0];
        continue;
      }
      const isWide = line[0] === "~";
      before = decode(line.slice(tab + 1)).map((step, i) => before[i] + step);
      const [latitude, longitude] = before.map((units) => units / TENTHS);
      const rank = kind === "town" ? before[2] : (RANKS[kind] ?? RANKS.other);
      const names = line.slice(isWide ? 1 : 0, tab).split("|");
      entries.push({ names, country, region, kind, latitude, longitude, rank, isWide });
    }
    return entries;
  }

  /** Return entries for the countries and regions of towns. The town nearest to the middle of them stands for each. */
  #areasOf(entries) {
    const towns = entries.filter(({ kind }) => kind === "town");
    const countries = grouped(towns, ({ country }) => country).map((members) => {
      return { ...areaOf(members, "country"), names: this.#namesOf(members[0].country) };
    });
    const regions = grouped(towns, ({ country, region }) => region && `${country} ${region}`).map((members) => {
      const names = this.#namesOfRegion(members[0].region).filter((name) => !ABBREVIATION.test(name));
      return { ...areaOf(members, "region"), names };
    });
    return [...countries, ...regions];
  }
}

/** Return the names of countries in a language, or none if it is no language: a browser may say "en-US@posix". */
function countryNames(language) {
  try {
    return [new Intl.DisplayNames([language], { type: "region" })];
  } catch {
    return [];
  }
}

/** Return the members of each group. Those with an empty key are left out. */
function grouped(all, keyOf) {
  const groups = new Map();
  for (const each of all) {
    const key = keyOf(each);
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(each);
  }
  groups.delete("");
  return [...groups.values()];
}

/** Return an entry for the area of towns, without names. It is at the town in the middle of them. */
function areaOf(towns, kind) {
  const points = towns.map(({ latitude, longitude }) => sphere(latitude, longitude));
  const mean = [0, 1, 2].map((axis) => points.reduce((sum, point) => sum + point[axis], 0));
  const nearness = points.map((point) => dot(point, mean));
  const middle = nearness.indexOf(nearness.reduce((a, b) => Math.max(a, b)));
  const isWide = points.some((point) => dot(point, points[middle]) < WIDE);
  const rank = towns.reduce((highest, town) => Math.max(highest, town.rank), 0) + ABOVE[kind];
  return { ...towns[middle], region: "", kind, rank, isWide };
}

function sphere(latitude, longitude) {
  const [up, east] = [latitude, longitude].map((degrees) => (degrees * Math.PI) / 180);
  return [Math.cos(up) * Math.cos(east), Math.cos(up) * Math.sin(east), Math.sin(up)];
}

function dot(a, b) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

function* positions(text, part) {
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + 1)) yield at;
}

/** Return the first places of which no two look the same. */
function distinct(places, most) {
  const seen = new Map();
  for (const place of places) {
    const label = `${place.name}, ${place.where}`;
    if (!seen.has(label)) seen.set(label, place);
    if (seen.size === most) break;
  }
  return [...seen.values()];
}
