// The view of the field guide, which covers what the page shows while the address names a page of the guide.

import { addressOf, wanted } from "./addresses.js";
import { $ } from "./elements.js";
import guideModule from "./guide.js?later";
import { say } from "./language.js";
import { WorldMap } from "./map.js";
import { forgetAddress, show } from "./views.js";

export class GuideView {
  #guide = null; // a promise of the field guide, once it was asked for
  #covered = "start"; // the view that the guide covers
  #linked = wanted() ? location.hash : ""; // the address with which the page was opened
  #answer;
  #leave;
  #fail;

  /**
   * @param {() => object | null} answer  returns the current one
   * @param {(view: string) => void} leave  shows the view that the guide covered
   * @param {(retry: () => void) => void} fail  says that the guide could not be loaded, and offers to try again
   */
  constructor({ answer, leave, fail }) {
    [this.#answer, this.#leave, this.#fail] = [answer, leave, fail];
    addEventListener("hashchange", () => this.#follow());
    $("guide-back").addEventListener("click", () => {
      if (location.hash !== this.#linked) return history.back();
      forgetAddress(); // one came from elsewhere
      leave(this.#covered);
    });
    $("look-up").addEventListener("submit", (event) => {
      event.preventDefault();
      const text = $("look-up-text").value.trim();
      if (text) this.open("find", text);
    });
  }

  /** Open a page: `addressOf` says which there are. */
  open(kind, value) {
    location.hash = addressOf(kind, value).split("#")[1];
  }

  /** Show the page with whose address the page was opened, if there was one. */
  begin() {
    if (!this.#linked) return;
    forgetAddress(this.#linked);
    this.#follow();
  }

  /** Show the page that the address names, or leave the guide. */
  async #follow() {
    const page = wanted();
    const { state } = document.body.dataset;
    if (!page) return state === "guide" && this.#leave(this.#covered);
    if (state !== "guide") this.#covered = ["answer", "many", "problem"].includes(state) ? state : "start";
    show("guide", say("loading"));
    scrollTo(0, 0);
    try {
      this.#guide ??= import(guideModule).then(({ Guide }) => new Guide((svg) => new WorldMap(svg)));
      $("status").textContent = await (await this.#guide).show(page, this.#answer());
    } catch {
      this.#guide = null; // the next time tries again
      const { hash } = location;
      this.#fail(() => {
        show(this.#covered, ""); // the guide covers this again, not the problem
        location.hash = hash;
      });
    }
  }
}
