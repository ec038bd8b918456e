// The page in the browser's language: its words, its names of animals, and how it writes numbers and times.

export const ANIMALS = "Animalia";
const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const [language, words] = await preferred();
const locale = navigator.languages.find((each) => each.startsWith(language)) ?? language; // with a country, for dates
const names = language === "en" ? {} : await (await fetch(`names-${language}.json`)).json();
const plurals = new Intl.PluralRules(language);
const numbers = new Intl.NumberFormat(locale);
const shares = new Intl.NumberFormat(locale, { style: "percent" });
const lists = new Intl.ListFormat(locale, { type: "conjunction" });
const moments = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "medium", timeZone: "UTC" });
const clock = new Intl.DateTimeFormat(locale, { timeStyle: "medium", timeZone: "UTC" });

/** Return the first of the browser's languages of which the server has the words, or English, and these words. */
async function preferred() {
  for (const tag of [...navigator.languages, "en"]) {
    const code = tag.slice(0, 2).toLowerCase();
    const found = await fetch(`words-${code}.json`);
    if (found.ok) return [code, await found.json()];
  }
}

/** Return the words with a key, with values in the place of their names in braces. `count` selects the plural form. */
export function say(key, values = {}) {
  const found = words[key] ?? key;
  const text = typeof found === "string" ? found : (found[plurals.select(values.count)] ?? found.other);
  return text.replace(/\{(\w+)\}/g, (_, name) => (typeof values[name] === "number" ? numbers.format(values[name]) : values[name]));
}

/** Return the word for a value, or what is given otherwise if the page has none. */
export const valued = (field, value, otherwise = value) => words[`${field}.${value}`] ?? otherwise;

/** Return the page's name for an English one. */
export const translated = (name) => names[name.toLowerCase()] ?? name;

/** Return what an observation or a finding says: the animal's name, or the word for its kind. */
export function called({ kind = "animal", name, scientific_name: latin }) {
  if (kind !== "animal" || !name || latin === ANIMALS) return say(`kind.${kind}`);
  return latin ? translated(name) : name;
}

export const percent = (share) => shares.format(share);
export const listed = (items) => lists.format(items);

/** Write a time as the camera's clock showed it: `2026-05-02T06:00:00+03:00` is 06:00 everywhere, as if it were UTC's. */
export function written(time, { short = false } = {}) {
  return time ? (short ? clock : moments).format(new Date(`${time.slice(0, 19)}Z`)) : say("no-time");
}

/** Write a number of seconds in its largest unit. */
export function span(seconds) {
  const [unit, size] = UNITS.find(([, each]) => seconds >= each) ?? UNITS.at(-1);
  return new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: 0 }).format(seconds / size);
}

/** Put the words into the elements that name them. */
export function fill() {
  document.documentElement.lang = language;
  document.title = say("title");
  for (const each of document.querySelectorAll("[data-word]")) each.textContent = say(each.dataset.word);
  for (const each of document.querySelectorAll("[data-label]")) each.setAttribute("aria-label", say(each.dataset.label));
}
