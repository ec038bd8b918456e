// A <details> that loads its content when it is opened.

import { say } from "./language.js";
import { inWords } from "./problem.js";

export class Disclosure {
  #details;
  #load;
  #request = new AbortController();

  /**
   * @param {HTMLDetailsElement} details  contains an element with the role `status`, and one with the class `loaded`
   * @param {(signal: AbortSignal) => Promise<{status: string, content: Node[]}>} load  without content, the next
   *   opening loads it again
   */
  constructor(details, load) {
    this.#details = details;
    this.#load = load;
    details.addEventListener("toggle", () => this.#toggled());
    this.#toggled(); // it may have been opened before this script was there
  }

  /** Close it and forget the content. */
  reset() {
    this.#details.open = false;
    this.#show({ status: "", content: [] });
  }

  async #toggled() {
    this.#request.abort();
    if (!this.#details.open || this.#details.querySelector(".loaded").hasChildNodes()) return;
    this.#request = new AbortController();
    const { signal } = this.#request;
    this.#show({ status: say("loading"), content: [] });
    try {
      const loaded = await this.#load(signal);
      if (!signal.aborted) this.#show(loaded);
    } catch (problem) {
      if (signal.aborted) return;
      const isDown = problem.code === "unavailable"; // a store does not answer
      this.#show({ status: isDown ? say("not-now") : inWords(problem), content: [] });
    }
  }

  #show({ status, content }) {
    this.#details.querySelector("[role=status]").textContent = status;
    this.#details.querySelector(".loaded").replaceChildren(...content);
  }
}
