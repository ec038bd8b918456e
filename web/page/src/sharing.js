// What can be done with an answer: share its address, copy it as text, say that it is wrong, delete what was kept.

import { correct, searchTaxa } from "./api.js";
import { $, make } from "./elements.js";
import { say } from "./language.js";
import { namesLike } from "./names.js";
import { inWords } from "./problem.js";
import { answerInText } from "./words.js";

const PAUSE = 250; // ms without a key before names are searched

export class SharingPart {
  #answer = null;
  #search = new AbortController();

  constructor() {
    $("share").addEventListener("click", () => this.#share());
    $("copy").addEventListener("click", () => this.#copy(answerInText(this.#answer, this.#address()), "share.copied"));
    $("wrong").addEventListener("click", () => this.#ask($("correction").hidden));
    $("correction").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#correct();
    });
    $("correct-animal").addEventListener("input", () => this.#suggest());
  }

  /** Show what can be done with an answer. */
  show(answer) {
    this.#answer = answer;
    const isKept = Boolean(answer.result);
    for (const id of ["share", "wrong"]) $(id).hidden = !isKept;
    this.#ask(false);
    $("correct-animal").value = "";
    this.#say("");
    $("correct-names").replaceChildren(...[...answer.perhaps, ...answer.candidates].map(nameOption));
  }

  #address() {
    const { result } = this.#answer;
    return result ? new URL(result.url, document.baseURI).href : "";
  }

  async #share() {
    const url = this.#address();
    if (!navigator.share) return this.#copy(url, "share.link-copied");
    const [title] = answerInText(this.#answer, "").split("\n");
    try {
      await navigator.share({ title, url });
    } catch (error) {
      if (error.name !== "AbortError") await this.#copy(url, "share.link-copied");
    }
  }

  async #copy(text, done) {
    try {
      await navigator.clipboard.writeText(text);
      this.#say(say(done));
    } catch {
      // No permission, or a page without TLS: show the text, selected, for the keyboard or the finger.
      this.#say(say("share.copy-yourself"));
      const field = make("textarea", text, { readOnly: true, rows: text.split("\n").length });
      field.ariaLabel = say("share.text");
      $("share-status").append(field);
      field.select();
    }
  }

  /** Ask what the photo shows, or no longer. */
  #ask(isAsked) {
    $("correction").hidden = !isAsked;
    $("wrong").ariaExpanded = String(isAsked);
    if (isAsked) $("correct-animal").focus();
  }

  async #correct() {
    const animal = $("correct-animal").value.trim();
    if (!animal) return this.#say(say("correct.empty"));
    $("correct-send").disabled = true;
    try {
      await correct(this.#answer.result, animal);
      this.#ask(false);
      $("wrong").focus();
      this.#say(say("correct.thanks"));
    } catch (problem) {
      this.#say(inWords(problem));
    }
    $("correct-send").disabled = false;
  }

  /** Offer names of taxa that begin like what was typed. */
  async #suggest() {
    this.#search.abort();
    this.#search = new AbortController();
    const { signal } = this.#search;
    const text = $("correct-animal").value.trim();
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
    if (signal.aborted || text.length < 2) return;
    const own = (await namesLike(text)).map((name) => ({ name, scientific_name: "" })); // the API knows English and Latin
    const found = await searchTaxa(text, signal).catch(() => null); // names can be typed without help
    if (found && !signal.aborted) $("correct-names").replaceChildren(...[...own, ...found.taxa].map(nameOption));
  }

  #say(sentence) {
    $("share-status").textContent = sentence;
  }
}

function nameOption({ name, scientific_name: scientificName }) {
  return make("option", scientificName, { value: name });
}
