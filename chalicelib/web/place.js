// Asks where a photo was taken: by this device, a press on the map, typed coordinates, or not at all.

import { WorldMap } from "./map.js";

const $ = (id) => document.getElementById(id);
const GEOLOCATION = { timeout: 10_000, maximumAge: 600_000 }; // ms; a cell is 110 km across: a coarse fix will do
const NO_FIX = {
  1: "This browser may not tell the place. Allow it in the browser's settings, or press the map.",
  2: "This device does not know where it is. Press the map instead.",
  3: "Finding the place took too long. Try again, or press the map.",
};

export class PlaceForm {
  #map = new WorldMap($("place-map"));
  #choose;

  /** @param {(place: "none" | {latitude: number, longitude: number}) => void} choose  called with what was chosen */
  constructor(choose) {
    this.#choose = choose;
    $("place-device").hidden = !navigator.geolocation;
    $("place-device").addEventListener("click", () => this.#useDevice());
    $("place-none").addEventListener("click", () => choose("none"));
    $("place-map").addEventListener("click", (event) => this.#press(event));
    $("place-world").addEventListener("click", () => this.#showWorld());
    $("place").addEventListener("input", () => this.#mark());
    $("place").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#useTyped();
    });
  }

  show({ heading, advice }) {
    $("place-heading").textContent = heading;
    $("place-advice").textContent = advice;
    complain("");
    this.#showWorld();
    this.#mark();
  }

  #useDevice() {
    complain("");
    $("place-device").disabled = true;
    const done = () => ($("place-device").disabled = false);
    navigator.geolocation.getCurrentPosition(
      ({ coords: { latitude, longitude } }) => {
        done();
        if (!$("place").hidden) this.#choose({ latitude, longitude });
      },
      ({ code }) => {
        done();
        complain(NO_FIX[code] ?? NO_FIX[2]);
      },
      GEOLOCATION,
    );
  }

  #press(event) {
    const place = this.#map.placeAt(event);
    if (!place) return;
    $("latitude").value = place.latitude.toFixed(1);
    $("longitude").value = place.longitude.toFixed(1);
    complain("");
    this.#mark();
    if (this.#map.isClose) return;
    this.#map.closeUp(place);
    $("place-hint").textContent = "Press again to be more exact.";
    $("place-world").hidden = false;
  }

  #showWorld() {
    this.#map.wholeWorld();
    $("place-hint").textContent = "Or press the map where it was taken.";
    $("place-world").hidden = true;
  }

  #mark() {
    this.#map.mark(typed());
  }

  #useTyped() {
    const place = typed();
    if (place) this.#choose(place);
    else {
      complain(
        "Type a latitude from -90 to 90 and a longitude from -180 to 180, such as -33.9 and 151.2, or press the map.",
      );
      $("latitude").focus();
    }
  }
}

/** The place in the two fields, or null if they hold none. */
function typed() {
  const number = (id) =>
    $(id).value.trim() === "" ? NaN : Number($(id).value.trim().replace(",", ".").replace("−", "-"));
  const [latitude, longitude] = [number("latitude"), number("longitude")];
  return Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180 ? { latitude, longitude } : null;
}

function complain(sentence) {
  $("place-problem").textContent = sentence;
}
