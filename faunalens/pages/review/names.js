// All taxa by their names, in any language: those that match what was typed, with what lives at the station first.
import { get } from "./server.js";
import { say, translated } from "./words.js";

export const MOST = 9;
const [WHOLE, WORDS, BEGINNING, WORD, INSIDE, NOWHERE] = [0, 1, 2, 3, 4, 5];

const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").replaceAll("’", "'").replaceAll("-", " ").toLowerCase();
const isSpecies = (each) => each.latin.includes(" "); // a genus often has the name of its only species

export const queue = await get("queue");
const taxa = queue.taxa.map(([latin, english, others]) => {
  const name = translated(english);
  return { latin, name, english, others, text: plain(`\n${name}\n${latin}\n${english}\n${others}\n`).replaceAll("\n", " \n ") };
});
const byLatin = new Map(taxa.map((each) => [each.latin, each]));

/** Return a taxon as people read it; a kind or the name of another model's taxon as it is. */
export function titled(latin) {
  const found = byLatin.get(latin);
  return found && found.name !== latin ? `${found.name} (${latin})` : latin;
}

/** Return the best matches of what was typed, and last the text itself. `here`: scientific names of the station. */
export function matching(typed, here) {
  const query = plain(typed);
  const byRank = [];
  for (const each of query ? taxa : []) {
    const where = place(each.text, query);
    if (where === NOWHERE) continue;
    const far = here.has(each.latin) ? 0 : 1;
    (byRank[where === INSIDE ? 2 * INSIDE + far : far * INSIDE + where] ??= []).push(each);
  }
  const found = [];
  for (const some of byRank) {
    if (found.length >= MOST) break;
    found.push(...(some ?? []).sort((a, b) => isSpecies(b) - isSpecies(a) || a.name.length - b.name.length));
  }
  const matches = found.slice(0, MOST).map((each) => ({ scientific_name: each.latin, name: each.english, label: label(each, query, here) }));
  return typed ? [...matches, { typed, label: say("keep", { typed }) }] : matches;
}

// Where one of the names in a text has a query.
function place(text, query) {
  if (!text.includes(query)) return NOWHERE;
  if (text.includes(`\n ${query}`)) return text.includes(`\n ${query} \n`) ? WHOLE : text.includes(` ${query} `) ? WORDS : BEGINNING;
  return text.includes(` ${query} `) ? WORDS : text.includes(` ${query}`) ? WORD : INSIDE;
}

// A taxon, with the name in another language that was found if it is none of the two that are shown.
function label({ name, latin, english, others }, query, here) {
  const isShown = plain(`${name}\n${latin}`).includes(query);
  const other = isShown ? "" : [english, ...others.split("\n")].find((each) => plain(each).includes(query));
  return [`${name} (${latin})`, other, here.has(latin) && say("lives-here")].filter(Boolean).join(", ");
}
