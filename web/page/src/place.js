// The form for the location: use that of the device, select it on the map, type coordinates, or continue without one.

import { WorldMap } from "./map.js";

const $ = (id) => document.getElementById(id);
const GEOLOCATION = { timeout: 10_000, maximumAge: 600_000 }; // ms; a coarse location suffices for a cell of 110 km
const NO_FIX = {
  1: "Your browser does not share its location. Allow it in the browser's settings, or use the map.",
  2: "Your device does not know its location. Use the map instead.",
  3: "Finding your location took too long. Try again, or use the map.",
};

export class PlaceForm {
  #map = new WorldMap($("place-map"));
  #choose;

  /** @param {(place: "none" | {latitude: number, longitude: number}) => void} choose  called with the choice */
  constructor(choose) {
    this.#choose = choose;
    $("place-device").hidden = !navigator.geolocation;
    $("place-device").addEventListener("click", () => this.#useDevice());
    $("place-none").addEventListener("click", () => choose("none"));
    $("place-map").addEventListener("click", (event) => this.#selectOnMap(event));
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
    showError("");
    this.#showWorld();
    this.#mark();
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
        showError(NO_FIX[code] ?? NO_FIX[2]);
      },
      GEOLOCATION,
    );
  }

  #selectOnMap(event) {
    const place = this.#map.placeAt(event);
    if (!place) return;
    $("latitude").value = place.latitude.toFixed(1);
    $("longitude").value = place.longitude.toFixed(1);
    showError("");
    this.#mark();
    if (this.#map.isClose) return;
    this.#map.closeUp(place);
    $("place-hint").textContent = "Select again to be more exact.";
    $("place-world").hidden = false;
  }

  #showWorld() {
    this.#map.wholeWorld();
    $("place-hint").textContent = "Or select the location on the map.";
    $("place-world").hidden = true;
  }

  #mark() {
    this.#map.mark(readFields());
  }

  #useTyped() {
    const place = readFields();
    if (place) this.#choose(place);
    else {
      showError(
        "Enter a latitude from -90 to 90 and a longitude from -180 to 180, such as -33.9 and 151.2, or use the map.",
      );
      $("latitude").focus();
    }
  }
}

/** Return the location in the two fields, or null if a field is invalid. */
function readFields() {
  const number = (id) =>
    $(id).value.trim() === "" ? NaN : Number($(id).value.trim().replace(",", ".").replace("−", "-"));
  const [latitude, longitude] = [number("latitude"), number("longitude")];
  return Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180 ? { latitude, longitude } : null;
}

function showError(sentence) {
  $("place-problem").textContent = sentence;
}
