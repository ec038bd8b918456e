// The field for a place, a combobox as WAI-ARIA's practices describe it: names are searched while one types.

import { readCoordinates } from "./coordinates.js";
import { make } from "./elements.js";
import { say } from "./language.js";
import { PlaceLists } from "./place_lists.js";

const MOST = 8; // places in the list
const STEPS = { ArrowDown: 1, ArrowUp: -1 };

/** Return whether a text may name a place: numbers and links do not. */
export function mayBeName(text) {
  return /\p{L}/u.test(text) && !text.includes("://");
}

export class PlaceSearch {
  #lists = new PlaceLists();
  #input;
  #list;
  #status;
  #pick;
  #places = []; // those shown
  #active = -1; // the number of the option that Enter picks; -1: none

  /**
   * @param {{input: HTMLInputElement, list: HTMLUListElement, status: HTMLElement}} elements
   * @param {(place: import("./gazetteer.js").Place, label: string) => void} pick  called with the place that was picked
   */
  constructor({ input, list, status }, pick) {
    [this.#input, this.#list, this.#status, this.#pick] = [input, list, status, pick];
    input.addEventListener("focus", () => this.#lists.load().catch(() => {})); // it is told when something is typed
    input.addEventListener("input", () => this.search());
    input.addEventListener("keydown", (event) => this.#press(event));
    input.addEventListener("blur", () => this.#show([]));
    list.addEventListener("pointerdown", (event) => event.preventDefault()); // the field keeps the focus
    list.addEventListener("click", ({ target }) => this.#pickOption(target.closest("[role=option]")));
  }

  /** Show the places that the text in the field may name, and return them: none if they only begin like it. */
  async search() {
    const text = this.#input.value.trim();
    if (!mayBeName(text) || readCoordinates(text)) {
      this.close();
      return [];
    }
    let found = { places: [], isGuess: false };
    try {
      for (const load of [() => this.#lists.load(), () => this.#lists.loadMore()]) {
        if (found.places.length === MOST && !found.isGuess) break;
        if (!this.#lists.isComplete && !found.places.length) this.#say("place.loading");
        await load();
        if (text !== this.#input.value.trim()) return [];
        found = this.#lists.search(text, MOST);
        this.#show(found.places);
      }
    } catch {
      this.#say(found.places.length ? "" : "place.no-list");
      return found.places;
    }
    const says = found.isGuess ? "place.similar" : found.places.length ? "place.found" : "place.not-found";
    this.#say(text.length > 1 || found.places.length ? says : "", found.places.length);
    return found.isGuess ? [] : found.places;
  }

  close() {
    this.#show([]);
    this.#say("");
  }

  /** Pick a place as if its option had been pressed. */
  pick(place) {
    const label = place.where ? `${place.name}, ${place.where}` : place.name;
    this.#input.value = label;
    this.close();
    this.#pick(place, label);
  }

  #press(event) {
    const { key } = event;
    if (key in STEPS && this.#places.length) {
      const count = this.#places.length + 1; // after the last option comes the field itself
      this.#activate(((this.#active + 1 + STEPS[key] + count) % count) - 1);
    } else if (key === "ArrowDown") this.search();
    else if (key === "Enter" && this.#active >= 0) this.pick(this.#places[this.#active]);
    else if (key === "Escape" && this.#places.length) this.close();
    else return;
    event.preventDefault();
  }

  #pickOption(option) {
    if (option) this.pick(this.#places[[...this.#list.children].indexOf(option)]);
  }

  #show(places) {
    this.#places = places;
    this.#list.hidden = !places.length;
    this.#input.ariaExpanded = String(places.length > 0);
    this.#list.replaceChildren(...places.map(option));
    this.#activate(-1);
  }

  #activate(number) {
    this.#active = number;
    [...this.#list.children].forEach((each, i) => (each.ariaSelected = String(i === number)));
    const active = this.#list.children[number];
    if (active) {
      this.#input.setAttribute("aria-activedescendant", active.id);
      active.scrollIntoView({ block: "nearest" });
    } else this.#input.removeAttribute("aria-activedescendant");
  }

  /** Say how the search went. Only screen readers need to be told how many places there are to see. */
  #say(key, count = 0) {
    this.#status.classList.toggle("unseen", key === "place.found");
    this.#status.textContent = key && say(key, { count });
  }
}

function option({ name, where, kind }, i) {
  const shown = make("li", "", { id: `place-${i}`, role: "option" });
  const further = [where, kind !== "town" && say(`kind.${kind}`)].filter(Boolean).join(" · ");
  shown.append(make("b", name), make("span", further, { className: "quiet" }));
  return shown;
}
