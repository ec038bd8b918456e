// The form for the place: name it, paste coordinates, use that of the device, select it on the map, or go on without one.

import { readCoordinates } from "./coordinates.js";
import { $ } from "./elements.js";
import { say } from "./language.js";
import { WorldMap } from "./map.js";
import { PlaceSearch } from "./place_search.js";

const GEOLOCATION = { timeout: 10_000, maximumAge: 600_000 }; // ms; a coarse location suffices for a cell of 110 km
const STEP = 5; // degrees of an arrow key; a fifth of it on the zoomed map
const DIRECTIONS = { ArrowUp: [1, 0], ArrowDown: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1] };
const NO_FIX = { 1: "place.denied", 2: "place.unavailable", 3: "place.slow" }; // by the code of the error

export class PlaceForm {
  #map = new WorldMap($("place-map"));
  #search = new PlaceSearch(
    { input: $("place-name"), list: $("place-list"), status: $("place-found") },
    (place, label) => this.#pick(place, label),
  );
  #choose;
  #named = { label: "", place: null }; // the place that was picked last, and what the field then says

  /** @param {(place: null | {latitude: number, longitude: number}) => void} choose  called with the choice; null: none */
  constructor(choose) {
    this.#choose = choose;
    $("place-device").hidden = !navigator.geolocation;
    $("place-device").addEventListener("click", () => this.#useDevice());
    $("place-none").addEventListener("click", () => choose(null));
    $("place-map").addEventListener("click", (event) => this.#selectOnMap(event));
    $("place-map").addEventListener("keydown", (event) => this.#moveOnMap(event));
    $("place-world").addEventListener("click", () => this.#showWorld());
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
    const place = this.#map.placeAt(event);
    if (!place) return;
    this.#write(place);
    if (!this.#map.isClose) this.#closeUp(place);
  }

  #moveOnMap(event) {
    const place = this.#read() ?? { latitude: 0, longitude: 0 };
    const direction = DIRECTIONS[event.key];
    if (direction) {
      const [north, east] = direction.map((sign) => (sign * STEP) / (this.#map.isClose ? 5 : 1));
      const latitude = Math.min(Math.max(place.latitude + north, -90), 90);
      const longitude = ((((place.longitude + east + 180) % 360) + 360) % 360) - 180;
      const moved = { latitude, longitude };
      this.#write(moved);
      if (this.#map.isClose) this.#map.closeUp(moved);
      $("place-hint").textContent = $("place-name").value; // screen readers read it
    } else if (event.key === "+") this.#closeUp(place);
    else if (event.key === "-") this.#showWorld();
    else if (event.key === "Enter") this.#useTyped();
    else return;
    event.preventDefault(); // do not scroll
  }

  #write({ latitude, longitude }) {
    this.#search.close();
    $("place-name").value = `${latitude.toFixed(1)}, ${longitude.toFixed(1)}`;
    showError("");
    this.#mark();
  }

  #closeUp(place, hint = say("place.exact")) {
    this.#map.closeUp(place);
    $("place-hint").textContent = hint;
    $("place-world").hidden = false;
  }

  #showWorld() {
    this.#map.wholeWorld();
    $("place-hint").textContent = say("place.select");
    $("place-world").hidden = true;
  }

  #mark() {
    this.#map.mark(this.#read());
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
    if (!text.trim() || /^[^\p{L}]+$|:\/\//u.test(text)) showError(errorOf(text)); // no name
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
