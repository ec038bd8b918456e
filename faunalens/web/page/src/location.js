// The part of an answer about its location: where that is, a map with the range of the animal, and who lives there.

import { addressOf } from "./addresses.js";
import { animals, rangeMap } from "./api.js";
import { Disclosure } from "./disclosure.js";
import { $, badge, make, taxonRow } from "./elements.js";
import { byName, say } from "./language.js";
import { WorldMap } from "./map.js";
import { NO_ANIMAL, narrowing, residents, whereabouts } from "./words.js";

const NEAR = { rootMargin: "200px" }; // load a range when the map is about to come into view
const WITHOUT_RANGE = ["everywhere", "unknown"];

export class LocationPart {
  #map = new WorldMap($("answer-map"));
  #centre = null; // {latitude, longitude} of the cell
  #animal = null; // the animal whose range has to be loaded
  #request = new AbortController(); // of the request for the range
  #view = new IntersectionObserver((changes) => changes.at(-1).isIntersecting && this.#addRange(), NEAR);
  #animals = new Disclosure($("animals"), (signal) => this.#listAnimals(signal));

  constructor() {
    $("closer").addEventListener("click", () => this.#toggleZoom());
  }

  show({ subject, location, features, prediction, perhaps, candidates: [first], device }) {
    const [latitude, longitude] = location.center ?? [];
    this.#centre = location.center ? { latitude, longitude } : null;
    $("where").textContent = whereabouts(location, features);
    $("narrowing").textContent = narrowing(features);
    $("elsewhere").textContent = say(this.#centre ? "place.another" : "place.add");
    $("elsewhere").parentElement.hidden = NO_ANIMAL.includes(subject); // no place changes that
    $("animals").hidden = !this.#centre || Boolean(device); // without signal there is nobody to ask
    this.#animals.reset();
    // If it could be any animal, the range of the first one says nothing.
    const hasRange = !device && prediction && !perhaps.length && first && !WITHOUT_RANGE.includes(first.here);
    this.#showMap(hasRange ? first : null);
  }

  #showMap(animal) {
    this.#request.abort();
    this.#animal = animal;
    $("answer-world").hidden = !this.#centre && !animal;
    $("cell-row").hidden = !this.#centre;
    // The legend keeps its space until the range is there, so that nothing below it moves.
    $("range-row").hidden = !animal;
    $("range-row").classList.add("pending");
    $("range-of").textContent = animal?.name ?? "";
    $("answer-map").ariaLabel = say("map.cell");
    this.#map.showRange("");
    this.#map.wholeWorld();
    this.#map.mark(this.#centre);
    this.#labelZoomButton();
    this.#view.disconnect();
    if (animal) this.#view.observe($("answer-map")); // which tells at once whether it is in view
  }

  /** Load the range and add it to the map. If that fails, the map stays as it is, or goes if there is no cell on it. */
  async #addRange() {
    this.#view.disconnect();
    const request = (this.#request = new AbortController());
    try {
      const svg = await rangeMap(this.#animal.taxon, request.signal);
      if (request.signal.aborted) return;
      this.#map.showRange(svg);
      $("range-row").classList.remove("pending");
      $("answer-map").ariaLabel = say(this.#centre ? "map.both" : "map.range", { name: this.#animal.name });
    } catch {
      if (!request.signal.aborted) $("answer-world").hidden = !this.#centre;
    }
  }

  #toggleZoom() {
    if (this.#map.isClose) this.#map.wholeWorld();
    else this.#map.closeUp(this.#centre);
    this.#labelZoomButton();
  }

  #labelZoomButton() {
    $("closer").textContent = say(this.#map.isClose ? "map.world" : "map.closer");
  }

  async #listAnimals(signal) {
    const { animals: found, features } = await animals(this.#centre, signal);
    const row = (each) => leading(taxonRow(each, ...(each.here === "native" ? [] : [badge(each.here)])), each);
    return { status: residents(found.length, features.mode), content: byName(found).map(row) };
  }
}

/** Let the name in a row lead to the page of its taxon. */
function leading(row, { name, taxon: id }) {
  row.firstChild.replaceChildren(make("a", name, { href: addressOf("taxon", id) }));
  return row;
}
