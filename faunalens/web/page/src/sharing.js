// What can be done with an answer: share its address, after a look at what is then kept, and copy it as text.

import { $, make } from "./elements.js";
import { dateInWords, say } from "./language.js";
import { inWords } from "./problem.js";
import { answerInText } from "./words.js";
import { canKeep } from "./results.js";

const DAY = 86_400_000; // ms
const DAYS = Number(document.querySelector('meta[name="results"]')?.content ?? 0);

export class SharingPart {
  #answer = null;
  #keeper;

  /** @param {import("./keeping.js").Keeper} keeper */
  constructor(keeper) {
    this.#keeper = keeper;
    $("share").addEventListener("click", () => (this.#answer.result ? this.#share() : this.#ask($("share-ask").hidden)));
    $("copy").addEventListener("click", () => this.#copy(answerInText(this.#answer, this.#address()), "share.copied"));
    $("share-cancel").addEventListener("click", () => this.#ask(false));
    $("share-ask").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#keepAndShare();
    });
  }

  /** Show what can be done with an answer. `canShare`: whether its photos are there to be sent once more. */
  show(answer, canShare) {
    this.#answer = answer;
    $("share").hidden = !answer.result && !(canKeep && canShare);
    this.#ask(false);
    this.#say("");
  }

  /** Say what will be kept, and ask for the picture: by default with it, unless there may be people in it. */
  async #ask(isAsked) {
    $("share-ask").hidden = !isAsked;
    $("share").ariaExpanded = String(isAsked);
    if (!isAsked) return;
    const answer = this.#answer;
    this.#say("");
    $("share-what").textContent = say("keep.what", { date: dateInWords(Date.now() + DAYS * DAY) });
    $("share-people").textContent = say("keep.looking");
    $("share-what").focus();
    $("share-go").disabled = true;
    const people = await this.#keeper.countPeople().catch(() => null);
    if (answer !== this.#answer) return;
    $("share-go").disabled = false;
    $("share-picture").checked = people === 0;
    $("share-people").textContent = people === 0 ? "" : say(people ? "keep.people" : "keep.unchecked");
  }

  async #keepAndShare() {
    const answer = this.#answer;
    $("share-go").disabled = true;
    this.#say(say("keep.busy"));
    try {
      answer.result = await this.#keeper.keep($("share-picture").checked ? "picture" : "answer");
      if (answer !== this.#answer) return;
      this.#ask(false);
      $("share").focus();
      await this.#share();
    } catch (problem) {
      this.#say(inWords(problem));
    }
    $("share-go").disabled = false;
  }

  #address() {
    const { result } = this.#answer;
    return result ? new URL(result.url, document.baseURI).href : "";
  }

  async #share() {
    const url = this.#address();
    if (!navigator.share) return this.#copy(url, "share.link-copied");
    try {
      await navigator.share({ title: answerInText(this.#answer, "").split("\n")[0], url });
      this.#say("");
    } catch (error) {
      if (error.name === "AbortError") return this.#say(""); // the person changed their mind
      await this.#copy(url, "share.link-copied"); // since the tap, too much time has gone by for the sheet
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

  #say(sentence) {
    $("share-status").textContent = sentence;
  }
}
