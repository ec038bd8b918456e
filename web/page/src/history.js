// The answers of this browser that the server keeps: a list with links and deletion, and whether to keep further ones.

import { deleteResult } from "./api.js";
import { $, make } from "./elements.js";
import { say } from "./language.js";
import { inWords } from "./problem.js";
import { canKeep, forget, history, setWantsKept, wantsKept } from "./results.js";

export class History {
  /** `onDeleted`: called with the ids of results that were deleted. */
  constructor(onDeleted) {
    this.onDeleted = onDeleted;
    $("history").hidden = !canKeep;
    if (canKeep) $("privacy-kept").textContent = say("history.kept");
    $("keep").checked = wantsKept();
    $("keep").addEventListener("change", () => setWantsKept($("keep").checked));
    $("history").addEventListener("toggle", () => this.show());
    $("delete-all").addEventListener("click", () => confirm(say("history.really")) && this.#delete(history()));
    this.show();
  }

  /** Show the list as it is now. */
  show() {
    const entries = history();
    $("history-summary").textContent = say("history", { count: entries.length });
    $("delete-all").hidden = entries.length < 2;
    // Pictures are loaded only for who looks at the list.
    $("history-list").replaceChildren(...($("history").open ? entries.map((entry) => this.#row(entry)) : []));
  }

  #row(entry) {
    const { title, results, expires } = entry;
    const [{ url }] = results;
    const row = make("li");
    const link = make("a", title, { href: url, target: "_blank", rel: "noreferrer" });
    const picture = make("img", "", { src: `${url}.jpg`, alt: "", loading: "lazy", width: 48, height: 48 });
    picture.addEventListener("error", () => picture.remove());
    const remove = make("button", say("history.delete"), { type: "button", className: "small" });
    remove.ariaLabel = say("history.delete-one", { title });
    remove.addEventListener("click", () => this.#delete([entry]));
    const until = make("span", say("history.until", { date: dateOf(expires) }), { className: "quiet" });
    const text = make("div");
    text.append(link, until);
    row.append(picture, text, remove);
    return row;
  }

  async #delete(entries) {
    $("history-status").textContent = "";
    for (const { results } of entries) {
      try {
        for (const result of results) await deleteResult(result);
      } catch (problem) {
        $("history-status").textContent = inWords(problem);
        break;
      }
      forget(results[0].id);
      this.onDeleted(results.map(({ id }) => id));
    }
    this.show();
    $("history-summary").focus();
  }
}

function dateOf(text) {
  return new Date(text).toLocaleDateString(document.documentElement.lang, { day: "numeric", month: "long" });
}
