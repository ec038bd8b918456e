// The form for the place: name it, paste coordinates, use that of the device, select it on the map, or go on without one.

import { readCoordinates } from "./coordinates.js";
import { $ } from "./elements.js";
import { say } from "./language.js";
import { letMove } from "./gestures.js";
import { WorldMap } from "./map.js";
import { PlaceSearch, mayBeName } from "./place_search.js";

const GEOLOCATION = { timeout: 10_000, maximumAge: 600_000 }; // ms; a coarse location suffices for a cell of 110 km
const STEP = 5; // degrees of an arrow key on the whole world; less on a part of it
const [CLOSE, MOST] = [16, 64]; // zooms: up to which a click comes closer, and the buttons
const DIRECTIONS = { ArrowUp: [1, 0], ArrowDown: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1] };
const NO_FIX = { 1: "place.denied", 2: "place.unavailable", 3: "place.slow" }; // by the code of the error

export class PlaceForm {
  #map = new WorldMap($("place-map"));
  #search = new PlaceSearch(
    { input: $("place-name"), list: $("place-list"), status: $("place-found") },
    (place, label) => this.#pick(place, label),
  );
  #choose;
  #wasMoved = letMove($("place-map"), this.#map);
  #ofMap = ""; // what the field says if the place was selected on the map
  #named = { label: "", place: null }; // the place that was picked last, and what the field then says

  /** @param {(place: null | {latitude: number, longitude: number}) => void} choose  called with the choice; null: none */
  constructor(choose) {
    this.#choose = choose;
    $("place-device").hidden = !navigator.geolocation;
    $("place-device").addEventListener("click", () => this.#useDevice());
    $("place-map").addEventListener("click", (event) => this.#selectOnMap(event));
    $("place-map").addEventListener("keydown", (event) => this.#moveOnMap(event));
    $("place-world").addEventListener("click", () => this.#showWorld());
    for (const [id, factor] of [["place-in", 2], ["place-out", 0.5]]) $(id).addEventListener("click", () => this.#zoom(factor));
    $("place-here").addEventListener("click", () => this.#useTyped());
    $("place").addEventListener("input", () => {
      showError("");
      this.#mark();
    });
    $("place").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#useTyped();
    });
  }

  /** Begin again with the whole world. */
  show() {
    showError("");
    this.#search.close();
    this.#showWorld();
    this.#mark();
    if (matchMedia("(pointer: fine)").matches) $("place-name").focus(); // elsewhere a keyboard would cover the map
  }

  #useDevice() {
    showError("");
    $("place-device").disabled = true;
    const done = () => ($("place-device").disabled = false);
    navigator.geolocation.getCurrentPosition(
      ({ coords: { latitude, longitude } }) => {
        done();
        if (!$("place").hidden) this.#choose({ latitude, longitude });
      },
      ({ code }) => {
        done();
        showError(say(NO_FIX[code] ?? NO_FIX[2]));
      },
      GEOLOCATION,
    );
  }

  /** Use a place that was found by name, or show a wide one on the map to select a spot in it. */
  #pick(place, label) {
    this.#named = { label, place };
    if (!place.isWide) return this.#choose(place);
    this.#closeUp(place, say("place.wide", { name: place.name }));
    this.#mark();
    $("place-map").focus(); // its arrow keys move the mark, and no keyboard of a phone covers it
  }

  #selectOnMap(event) {
    const place = this.#wasMoved() ? null : this.#map.placeAt(event);
    if (!place) return;
    this.#write(place);
    if (this.#map.zoom < CLOSE) this.#closeUp(place, undefined, Math.min(this.#map.zoom * 4, CLOSE));
  }

  /** Zoom around the marked place, or the middle of the map. */
  #zoom(factor) {
    const place = this.#read();
    if (place && factor > 1) this.#closeUp(place, undefined, Math.min(this.#map.zoom * factor, MOST));
    else this.#map.zoomBy(factor);
    this.#showHint();
  }

  #moveOnMap(event) {
    const place = this.#read() ?? { latitude: 0, longitude: 0 };
    const direction = DIRECTIONS[event.key];
    if (direction) {
      const [north, east] = direction.map((sign) => (sign * STEP) / this.#map.zoom);
      const latitude = Math.min(Math.max(place.latitude + north, -90), 90);
      const longitude = ((((place.longitude + east + 180) % 360) + 360) % 360) - 180;
      const moved = { latitude, longitude };
      this.#write(moved);
      if (this.#map.isClose) this.#map.closeUp(moved, this.#map.zoom);
      $("place-hint").textContent = $("place-name").value; // screen readers read it
    } else if (event.key === "+") this.#zoom(2);
    else if (event.key === "-") this.#zoom(0.5);
    else if (event.key === "Enter") this.#useTyped();
    else return;
    event.preventDefault(); // do not scroll
  }

  #write({ latitude, longitude }) {
    this.#search.close();
    $("place-name").value = this.#ofMap = `${latitude.toFixed(1)}, ${longitude.toFixed(1)}`;
    showError("");
    this.#mark();
  }

  #closeUp(place, hint, zoom) {
    this.#map.closeUp(place, zoom);
    this.#showHint(hint);
  }

  #showWorld() {
    this.#map.wholeWorld();
    this.#showHint();
  }

  #showHint(hint = say(this.#map.isClose ? "place.exact" : "place.select")) {
    $("place-hint").textContent = hint;
    $("place-world").hidden = $("place-out").hidden = !this.#map.isClose;
  }

  /** Mark the place in the field, which the green button uses. */
  #mark() {
    const place = this.#read();
    const isOfMap = Boolean(place) && $("place-name").value === this.#ofMap;
    this.#map.mark(place);
    $("place-use").hidden = isOfMap;
    $("place-here").hidden = !isOfMap;
    $("place-use").classList.toggle("primary", Boolean(place));
    $("place-device").classList.toggle("primary", !place);
  }

  /** Return the place in the field, or null if it is none, or a name that was not picked. */
  #read() {
    const text = $("place-name").value;
    return text && text === this.#named.label ? this.#named.place : readCoordinates(text, document.documentElement.lang);
  }

  /** Use the place in the field; of a name, the first place that has it. */
  async #useTyped() {
    const place = this.#read();
    if (place) return this.#choose(place);
    const text = $("place-name").value;
    if (!mayBeName(text)) showError(errorOf(text));
    else {
      const [first] = await this.#search.search();
      if (first && !$("place").hidden) return this.#search.pick(first);
    }
    $("place-name").focus();
  }
}

function errorOf(text) {
  const isShortLink = /goo\.gl|\/\/osm\.org\/go|maps\.apple\/p/.test(text);
  return say(isShortLink ? "place.short-link" : "place.unreadable");
}

function showError(sentence) {
  $("place-problem").textContent = sentence;
}
