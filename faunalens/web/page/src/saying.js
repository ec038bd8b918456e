// What the person says of an answer: that is it, or it is another animal. It goes into their own list, on this device; to
// the people who run the service only if they send it.

import { correct, searchTaxa } from "./api.js";
import { $, make } from "./elements.js";
import { fold } from "./gazetteer.js";
import { say } from "./language.js";
import { namesLike } from "./names.js";
import { inWords } from "./problem.js";
import { canKeep } from "./results.js";
import { namedIn } from "./words.js";

const PAUSE = 250; // ms without a key before names are searched
const WAIT = 3000; // ms for a name to be looked up

export class SayingPart {
  #answer = null;
  #said = null; // the observation
  #search = new AbortController();
  #known = new Map(); // taxa that were offered, by what stands in the field
  #keeper;
  #onSaid;

  /**
   * @param {import("./keeping.js").Keeper} keeper
   * @param {(taxon: object | null, said?: string, isSent?: boolean) => boolean} onSaid  puts what was said into the list
   *   and shows it, or takes it back without a taxon. Returns whether there was room
   */
  constructor(keeper, onSaid) {
    [this.#keeper, this.#onSaid] = [keeper, onSaid];
    $("right").addEventListener("click", () => this.#record(namedIn(this.#answer), "confirmed"));
    $("wrong").addEventListener("click", () => this.#ask($("correction").hidden));
    $("said-undo").addEventListener("click", () => this.#undo());
    $("said-send").addEventListener("click", () => this.#send());
    $("correction").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#correct();
    });
    $("correct-animal").addEventListener("input", () => this.#suggest());
  }

  /** Show what can be said of an answer. `said`: its observation, if it is in the list. `canSend`: whether it can be kept. */
  show(answer, said, canSend) {
    [this.#answer, this.#said] = [answer, said];
    this.#ask(false);
    const prediction = namedIn(answer);
    $("right").hidden = !prediction || answer.perhaps.length > 0;
    $("saying").hidden = Boolean(said?.said);
    $("said").hidden = !said?.said;
    $("said-status").textContent = "";
    if (!said?.said) return;
    $("said-lead").textContent = say(said.said === "confirmed" ? "said.confirmed" : "said.corrected");
    $("said-name").textContent = said.taxon.name;
    $("said-latin").textContent = said.taxon.scientific_name === said.taxon.name ? "" : said.taxon.scientific_name;
    $("said-answered").textContent = said.said === "corrected" ? say("said.answered", { answer: said.answered }) : "";
    $("said-teach").hidden = !canKeep || !canSend || Boolean(said.sent);
  }

  /** Ask what the photo shows, or no longer. */
  #ask(isAsked) {
    $("correction").hidden = !isAsked;
    $("wrong").ariaExpanded = String(isAsked);
    if (!isAsked) return;
    $("correct-animal").value = "";
    $("correct-problem").textContent = "";
    this.#offer([]);
    $("correct-rows").replaceChildren(...rowsOf(this.#answer).map((taxon) => this.#row(taxon)));
    $("correct-animal").focus();
  }

  #row(taxon) {
    const row = make("li");
    const button = make("button", taxon.name, { type: "button", className: "small" });
    button.addEventListener("click", () => this.#record(taxon, "corrected"));
    row.append(button);
    return row;
  }

  async #correct() {
    const name = $("correct-animal").value.trim();
    if (!name) return ($("correct-problem").textContent = say("correct.empty"));
    const answer = this.#answer;
    const isIt = (each) => fold(each.name) === fold(name);
    const known = this.#known.get(fold(name)) ?? (await namesLike(name)).find(isIt) ?? { name }; // some send before names are offered
    const taxon = known.taxon ? known : await taxonCalled(known);
    if (answer === this.#answer) this.#record(taxon, "corrected");
  }

  #record(taxon, said) {
    const { taxon: id, name, english, scientific_name: scientificName, rank } = taxon;
    const isSame = scientificName && scientificName === namedIn(this.#answer)?.scientific_name;
    const known = { taxon: id, name, english, scientific_name: scientificName, rank };
    if (!this.#onSaid(known, isSame ? "confirmed" : said)) return ($("correct-problem").textContent = say("list.full"));
    $("said-undo").focus();
    $("status").textContent = $("said").textContent;
  }

  #undo() {
    this.#onSaid(null);
    ($("right").hidden ? $("wrong") : $("right")).focus();
  }

  /** Send what was said to the people who run the service, with the answer, which is kept for that. */
  async #send() {
    const [answer, { taxon, said }] = [this.#answer, this.#said];
    $("said-send").disabled = true;
    try {
      if (answer.result) await correct(answer.result, taxon);
      else await this.#keeper.keep("true"); // which sends it, too
      if (answer !== this.#answer) return; // another animal was selected meanwhile
      this.#onSaid(taxon, said, true);
      $("said-status").textContent = say("correct.thanks");
    } catch (problem) {
      $("said-status").textContent = inWords(problem);
    } finally {
      $("said-send").disabled = false;
    }
  }

  /** Offer names of taxa that begin like what was typed. */
  async #suggest() {
    $("correct-problem").textContent = "";
    this.#search.abort();
    this.#search = new AbortController();
    const { signal } = this.#search;
    const text = $("correct-animal").value.trim();
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
    if (signal.aborted || /^[ -\u024f]?$/.test(text)) return; // one Latin letter; in Chinese one is a name
    const own = await namesLike(text); // the API knows English and Latin
    const found = await searchTaxa(text, signal).catch(() => null); // names can be typed without help
    if (found && !signal.aborted) this.#offer([...own, ...found.taxa]);
  }

  #offer(taxa) {
    for (const each of taxa) if (each.scientific_name || !this.#known.has(fold(each.name))) this.#known.set(fold(each.name), each);
    $("correct-names").replaceChildren(...taxa.map(({ name, scientific_name: latin }) => make("option", latin ?? "", { value: name })));
  }
}

/** Return the taxon with a name; what is known of it already if the API has none, or cannot be asked. */
async function taxonCalled({ name, english, scientific_name: latin = "" }) {
  const asked = english || latin || name;
  const { taxa } = await searchTaxa(asked, AbortSignal.timeout(WAIT)).catch(() => ({ taxa: [] }));
  const isIt = (each) => [each.english ?? each.name, each.scientific_name, each.found_by].some((one) => one?.toLowerCase() === asked.toLowerCase());
  return taxa.find(isIt) ?? { name, english: english ?? name, scientific_name: latin };
}

/** Return the taxa that an answer names, each once: what it may be, and what lives there and is close to it. */
function rowsOf(answer) {
  const { perhaps, candidates, prediction } = answer;
  const groups = [...(prediction ? [prediction] : []), ...perhaps].flatMap((each) => [each, ...(each.members ?? [])]);
  const all = [...groups, ...candidates, ...(prediction?.relatives_here?.taxa ?? [])];
  return all.filter((each, i) => all.findIndex((other) => other.scientific_name === each.scientific_name) === i);
}
