// The list of the person's animals at the foot of the page. What shows and exports it is loaded when it is opened.

import list from "./list.js?later";
import { $ } from "./elements.js";
import { say } from "./language.js";
import { inWords, Problem } from "./problem.js";
import { canKeep, observations } from "./results.js";
import { sweep } from "./thumbnails.js";

export class History {
  #onDeleted;
  #list = null;

  /** `onDeleted`: called with observations that were deleted. */
  constructor(onDeleted) {
    this.#onDeleted = onDeleted;
    if (canKeep) $("privacy-kept").textContent = say("history.kept");
    $("history").addEventListener("toggle", () => this.show());
    addEventListener("storage", () => this.show()); // another tab has changed it
    this.show();
    sweep(observations()); // of which some may have expired
  }

  /** Show the list as it is now. */
  async show() {
    const entries = observations();
    $("history-summary").textContent = say("history", { count: entries.length });
    if (!$("history").open) return $("history-list").replaceChildren();
    try {
      this.#list ??= import(list).then(({ List }) => new List(this.#onDeleted, () => this.show()));
      (await this.#list).show();
    } catch {
      this.#list = null; // the next time tries again
      $("history-status").textContent = inWords(new Problem("unreachable"));
    }
  }
}
