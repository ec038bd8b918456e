// A world map in an <svg>, which shows a cell as a hexagon and converts a click to a location.

import { decode } from "./polyline.js";
import { HALF_HEIGHT, HALF_WIDTH, project, unproject } from "./projection.js";
import world from "./world.json" with { type: "json" };

const WORLD = { x: -HALF_WIDTH, y: -HALF_HEIGHT, width: 2 * HALF_WIDTH, height: 2 * HALF_HEIGHT };
const ZOOM = 4;
const CELL_RADIUS = 0.6; // degrees; an H3 cell of resolution 3 is about 110 km across
const MIN_RADIUS = 6; // pixels; a smaller cell would be invisible, a larger one would cover small ranges
const LAND = world.rings.map((ring) => path(decodeRing(decode(ring), world.units_per_degree))).join("");

/** Return the points [latitude, longitude] of a ring that is stored as its first point and differences. */
function decodeRing(ring, units) {
  const points = [];
  let [x, y] = [0, 0];
  for (let i = 0; i < ring.length; i += 2) {
    [x, y] = [x + ring[i], y + ring[i + 1]];
    points.push([y / units, x / units]);
  }
  return points;
}

function path(points) {
  return `M${points
    .map(([latitude, longitude]) =>
      project(latitude, longitude)
        .map((v) => v.toFixed(1))
        .join(" "),
    )
    .join("L")}Z`;
}

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
  #range = element("g", {});
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
      element("path", { class: "land", d: LAND }),
      this.#range,
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

  /** Zoom in on a location. */
  closeUp({ latitude, longitude }) {
    const [x, y] = project(latitude, longitude);
    const [width, height] = [WORLD.width / ZOOM, WORLD.height / ZOOM];
    const within = (centre, size, half) => Math.min(Math.max(centre - size / 2, -half), half - size);
    this.#setView({ x: within(x, width, HALF_WIDTH), y: within(y, height, HALF_HEIGHT), width, height });
  }

  wholeWorld() {
    this.#setView(WORLD);
  }

  /** Return the location of a pointer event, or null if it is outside the map. */
  placeAt(event) {
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.#svg.getScreenCTM().inverse());
    return unproject(point.x, point.y);
  }

  #setView(view) {
    this.#view = view;
    this.#svg.setAttribute("viewBox", [view.x, view.y, view.width, view.height].map((v) => v.toFixed(2)).join(" "));
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
