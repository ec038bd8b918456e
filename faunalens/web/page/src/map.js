// A world map in an <svg>, which shows a cell as a hexagon, zooms, and converts a click to a location. Borders and names are
// loaded at the first closer look.

import { regionName } from "./language.js";
import bordersModule from "./borders.js?later";
import { decode } from "./polyline.js";
import { HALF_HEIGHT, HALF_WIDTH, outline, pathOf, project, unproject } from "./projection.js";
import world from "./world.json" with { type: "json" };

const WORLD = { x: -HALF_WIDTH, y: -HALF_HEIGHT, width: 2 * HALF_WIDTH, height: 2 * HALF_HEIGHT };
const ZOOM = 4; // of a close look, and how much closer the next one is
const MOST = 64;
const CELL_RADIUS = 0.6; // degrees; an H3 cell of resolution 3 is about 110 km across
const MIN_RADIUS = 6; // pixels; a smaller cell would be invisible, a larger one would cover small ranges
const LETTER = 6.5; // pixels, about, for the names of countries to have space
const LINE = 16; // pixels
const LAND = world.rings.map((ring) => `${outline(decode(ring), world.units_per_degree)}Z`).join("");
const path = (points) => `${pathOf(points)}Z`;

let detail = null; // a promise of what a closer look shows

/** Return the paths of the parallels and meridians every 30°, and of the edge of the map. */
function graticule() {
  const steps = (from, to, by) => Array.from({ length: (to - from) / by + 1 }, (_, i) => from + i * by);
  const meridian = (longitude) => steps(-90, 90, 5).map((latitude) => [latitude, longitude]);
  const open = (points) => path(points).slice(0, -1);
  return {
    edge: path([...meridian(180), ...meridian(-180).reverse()]),
    lines: [
      ...steps(-150, 150, 30).map((longitude) => open(meridian(longitude))),
      ...steps(-60, 60, 30).map((latitude) =>
        open([
          [latitude, -180],
          [latitude, 180],
        ]),
      ),
    ].join(""),
  };
}

function element(name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

export class WorldMap {
  #svg;
  #land = element("path", { class: "land", d: LAND });
  #range = element("g", {});
  #borders = element("path", { class: "borders", d: "" });
  #names = element("g", { class: "names", "aria-hidden": "true" });
  #countries = []; // [name, x, y], the largest first
  #mark;
  #place = null; // {latitude, longitude} of the marked cell
  #view = WORLD;

  /** @param {SVGSVGElement} svg  an empty element */
  constructor(svg) {
    this.#svg = svg;
    this.#mark = element("polygon", { class: "cell", points: "" });
    const { edge, lines } = graticule();
    svg.append(
      element("path", { class: "sea", d: edge }),
      element("path", { class: "lines", d: lines }),
      this.#land,
      this.#range,
      this.#borders,
      this.#names,
      this.#mark,
    );
    this.#setView(WORLD);
    // The hexagon has a minimum size in pixels, so redraw it when the size of the map changes.
    new ResizeObserver(() => this.#draw()).observe(svg);
  }

  /** Mark the cell around a location; null removes the mark. */
  mark(place) {
    this.#place = place;
    this.#draw();
  }

  /**
   * Draw the range of the API's map, which has the same projection. Throws an error if the text is no such map.
   * @param {string} svg  empty to remove the range
   */
  showRange(svg) {
    this.#range.replaceChildren();
    if (!svg) return;
    const [, width, height] = svg.match(/ viewBox="0 0 (\d+) (\d+)"/);
    this.#range.setAttribute("transform", `scale(${WORLD.width / width}) translate(${-width / 2} ${-height / 2})`);
    // Only these attributes are read. A parser would also try to apply the style sheet of the SVG.
    for (const [tag, status] of svg.matchAll(/<path class="(native|introduced)"[^>]*>/g)) {
      const read = (name) => tag.match(` ${name}="([^"]*)"`)?.[1] ?? "";
      this.#range.append(element("path", { class: status, d: read("d"), "fill-opacity": read("fill-opacity") }));
    }
  }

  get isClose() {
    return this.#view !== WORLD;
  }

  /** Return how many times larger than the whole world it shows a part. */
  get zoom() {
    return WORLD.width / this.#view.width;
  }

  /** Zoom in on a location. `zoom`: by default that of a close look, which shows a country and its neighbours. */
  closeUp({ latitude, longitude }, zoom = ZOOM) {
    this.#show(project(latitude, longitude), zoom);
  }

  /** Zoom by a factor around a point of the map [x, y]; by default its middle. */
  zoomBy(factor, [x, y] = this.#middle) {
    const zoom = Math.min(Math.max(this.zoom * factor, 1), MOST);
    const part = this.zoom / zoom; // the point stays where it is
    const [middleX, middleY] = this.#middle;
    this.#show([x + (middleX - x) * part, y + (middleY - y) * part], zoom);
  }

  /** Move the map by so many pixels. */
  moveBy(right, down) {
    const scale = this.#view.width / this.#svg.clientWidth;
    const [x, y] = this.#middle;
    this.#show([x - right * scale, y - down * scale], this.zoom);
  }

  /** Return the point of the map at a pointer event. */
  pointAt({ clientX, clientY }) {
    const { x, y } = new DOMPoint(clientX, clientY).matrixTransform(this.#svg.getScreenCTM().inverse());
    return [x, y];
  }

  get #middle() {
    const { x, y, width, height } = this.#view;
    return [x + width / 2, y + height / 2];
  }

  #show([x, y], zoom) {
    if (zoom === 1) return this.wholeWorld();
    const [width, height] = [WORLD.width / zoom, WORLD.height / zoom];
    const within = (centre, size, half) => Math.min(Math.max(centre - size / 2, -half), half - size);
    this.#setView({ x: within(x, width, HALF_WIDTH), y: within(y, height, HALF_HEIGHT), width, height });
    this.#addDetail();
  }

  /** Load and show borders and names. If that fails, the map stays without. */
  async #addDetail() {
    if (this.#countries.length) return;
    try {
      detail ??= import(bordersModule);
      const { LAND: land, BORDERS: borders, COUNTRIES: countries } = await detail;
      this.#countries = countries.map(([code, latitude, longitude]) => [regionName(code), ...project(latitude, longitude)]);
      this.#land.setAttribute("d", land);
      this.#borders.setAttribute("d", borders);
      this.#nameCountries();
    } catch {
      detail = null; // the next look tries again
    }
  }

  /** Write the names for which there is space, of the largest countries first. */
  #nameCountries() {
    const scale = this.#view.width / (this.#svg.clientWidth || 1);
    const { x: left, y: top, width, height } = this.#view;
    const taken = [];
    const texts = [];
    for (const [name, x, y] of this.zoom > 1 ? this.#countries : []) {
      const [halfWidth, halfHeight] = [(name.length * LETTER * scale) / 2, (LINE * scale) / 2];
      const isCut = x - halfWidth < left || x + halfWidth > left + width || y - halfHeight < top || y + halfHeight > top + height;
      if (isCut) continue;
      const isFree = taken.every(([otherX, otherY, half]) => Math.abs(x - otherX) > halfWidth + half || Math.abs(y - otherY) > 2 * halfHeight);
      if (!isFree) continue;
      taken.push([x, y, halfWidth]);
      const text = element("text", { x: x.toFixed(2), y: y.toFixed(2), "font-size": (12 * scale).toFixed(3), "stroke-width": (3 * scale).toFixed(3) });
      text.textContent = name;
      texts.push(text);
    }
    this.#names.replaceChildren(...texts);
  }

  wholeWorld() {
    this.#setView(WORLD);
  }

  /** Return the location of a pointer event, or null if it is outside the map. */
  placeAt(event) {
    return unproject(...this.pointAt(event));
  }

  #setView(view) {
    this.#view = view;
    this.#svg.setAttribute("viewBox", [view.x, view.y, view.width, view.height].map((v) => v.toFixed(2)).join(" "));
    this.#svg.classList.toggle("close", this.isClose);
    this.#nameCountries();
    this.#draw();
  }

  #draw() {
    const pixels = this.#svg.clientWidth;
    if (!this.#place || !pixels) {
      this.#mark.setAttribute("points", "");
      return;
    }
    const { latitude, longitude } = this.#place;
    const [x, y] = project(latitude, longitude);
    const real = Math.abs(project(Math.min(latitude + CELL_RADIUS, 90), longitude)[1] - y);
    const radius = Math.max(real, (MIN_RADIUS * this.#view.width) / pixels);
    const corner = (i) => [Math.cos((i * Math.PI) / 3), Math.sin((i * Math.PI) / 3)];
    const corners = Array.from({ length: 6 }, (_, i) =>
      corner(i).map((v, axis) => ([x, y][axis] + radius * v).toFixed(2)),
    );
    this.#mark.setAttribute("points", corners.map((pair) => pair.join(",")).join(" "));
  }
}
