// The question where a photo was taken, or whose animals are wanted. Its form is loaded when it is first asked.

import { $ } from "./elements.js";
import placeModule from "./place.js?later";
import { Problem, inWords } from "./problem.js";
import { reveal, show } from "./views.js";

export class PlaceQuestion {
  #form = null; // a promise of the form, once it was asked for
  #use = () => {};
  #isEarly = false; // whether a place was given before the form was loaded

  constructor() {
    $("place-none").addEventListener("click", () => this.#use(null));
    $("place").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#isEarly = true;
    });
  }

  /**
   * Ask, in place of what the page shows.
   * @param {{heading: string, advice: string}} words
   * @param {(place: object | null) => void} use  is called with the place, or with null for none
   * @param {(() => void) | null} back  is called if one does not want to answer; null: that is not offered
   * @param {boolean} canSkip  whether none is offered
   */
  async ask({ heading, advice }, use, back, canSkip) {
    this.#use = use;
    this.#isEarly = false;
    show("place", "");
    $("place-heading").textContent = heading;
    $("place-advice").textContent = advice;
    $("place-none").hidden = !canSkip;
    $("place-back").hidden = !back;
    $("place-back").onclick = back;
    $("status").textContent = `${heading} ${advice}`;
    reveal();
    try {
      const isFirst = !this.#form;
      this.#form ??= import(placeModule).then(({ PlaceForm }) => new PlaceForm((place) => this.#use(place)));
      (await this.#form).show();
      if (!isFirst || $("place").hidden) return;
      if (this.#isEarly) $("place").requestSubmit();
      else $("place-name").dispatchEvent(new Event("input", { bubbles: true })); // for what was typed meanwhile
    } catch {
      this.#form = null; // the next time tries again
      $("place-problem").textContent = inWords(new Problem("unreachable"));
    }
  }
}
