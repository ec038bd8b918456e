// The page in its language: its words, which the HTML contains as JSON, and how the language writes numbers and lists.

const language = document.documentElement.lang;
const words = JSON.parse(document.getElementById("words").textContent);
const plurals = new Intl.PluralRules(language);
const numbers = new Intl.NumberFormat(language);
const percentages = new Intl.NumberFormat(language, { style: "percent" });
const lists = new Intl.ListFormat(language, { type: "conjunction" });
const choices = new Intl.ListFormat(language, { type: "disjunction" });
const order = new Intl.Collator(language);
const regions = new Intl.DisplayNames([language], { type: "region" });

/** What ends a sentence and leads to the next one. */
export const sentenceEnd = language.startsWith("zh") ? "。" : ". ";

/**
 * Return the words with a key, or an empty string if there are none.
 * @param {string} key
 * @param {Object<string, string | number>} values  replace their names in braces. `count` also selects the plural form
 */
export function say(key, values = {}) {
  const found = words[key] ?? "";
  const text = typeof found === "string" ? found : (found[plurals.select(values.count)] ?? found.other);
  return text.replace(/\{(\w+)\}/g, (_, name) => (typeof values[name] === "number" ? numbers.format(values[name]) : values[name]));
}

/** Format a share of 1 as a percentage. */
export function percent(share) {
  return percentages.format(share);
}

/** Format a probability as a percentage, never as 0 or 100 %. */
export function probability(share) {
  if (share >= 0.995) return `> ${percent(0.99)}`;
  if (share < 0.01) return `< ${percent(0.01)}`;
  return percent(share);
}

/** Return a list as a sentence has it: "Brazil, Guyana, and Suriname". */
export function listed(items) {
  return lists.format(items);
}

/** Return a list of which one is meant: "deer or peccary". Items that are lists themselves are kept apart. */
export function either(items) {
  return items.some((item) => /[,、]/.test(item)) ? items.join(" / ") : choices.format(items);
}

/** Return a text as the beginning of a sentence. */
export function capital(text) {
  return text.charAt(0).toLocaleUpperCase(language) + text.slice(1);
}

/** Return taxa in the order of their names. The API has the order of their English ones. */
export function byName(taxa) {
  return [...taxa].sort((a, b) => order.compare(a.name, b.name));
}

/** Return a date as text. `day`: milliseconds, or ISO 8601, of which the day or the month may be missing. */
export function dateInWords(day) {
  const parts = typeof day === "string" ? day.split("T")[0].split("-").length : 3;
  const shown = { year: "numeric", ...(parts > 1 && { month: "long" }), ...(parts > 2 && { day: "numeric" }) };
  const isDay = typeof day === "string" && !day.includes("T"); // at midnight in UTC
  return new Date(day).toLocaleDateString(language, { ...shown, ...(isDay && { timeZone: "UTC" }) });
}

/** Return the name of an ISO 3166-1 code, or a code that has no name as it is. */
export function regionName(code) {
  try {
    return regions.of(code) ?? code;
  } catch {
    return code;
  }
}

/** Return a function that loads a table once and returns a promise of it: an empty one if the request fails, until the next call. */
export function tableAt(address) {
  let loading = null;
  return () => {
    loading ??= fetch(address)
      .then((response) => response.json())
      .catch(() => {
        loading = null; // try again the next time
        return {};
      });
    return loading;
  };
}
