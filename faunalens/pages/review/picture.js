// The large picture: how near, how bright, and the boxes over it, which follow.
import { $, make } from "./elements.js";
import { called } from "./words.js";

const STEP = 1.25;
const NEAREST = 12;
const SHARP = 1.5; // from this zoom on, the photo has to come in full size
const FULL = 6000; // pixels
const MOST_KEPT = 40;
const SWIPE = 60; // pixels of a finger
const [stage, view] = [$("stage"), $("view")];
const kept = new Map(); // loaded pictures by photo, the last used at the end: the browser itself keeps none
let image = $("picture");
const looks = { zoom: 1, x: 0.5, y: 0.5, brightness: 1, contrast: 1 }; // x and y: what is in the middle, as shares
let shown = null; // the photo
let sharpened = null; // the one that was last asked for in full size, by its id
let swiped = () => {};
let missing = () => {};

const between = (low, value, high) => Math.min(Math.max(value, low), high);

/** Call `swipe` with -1 or 1 when a finger moves the picture, and `fail` when a picture is not there. */
export function listen({ swipe, fail }) {
  [swiped, missing] = [swipe, fail];
}

/** Show a photo, and load those that may be next. A zoom stays, so that the photos of a burst can be compared. */
export function show(photo, alt, next) {
  $("boxes").replaceChildren(...boxesOf(photo));
  if (photo.id === shown?.id && kept.has(photo.id)) return;
  shown = photo;
  put(pictureOf(photo.id), alt);
  next.forEach(pictureOf);
  if (looks.zoom >= SHARP) sharpen();
}

function pictureOf(id) {
  const picture = kept.get(id) ?? loading(id);
  kept.delete(id);
  kept.set(id, picture);
  if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value);
  return picture;
}

function loading(id, side = "") {
  const picture = Object.assign(new Image(), { draggable: false, src: `picture/${id}${side}` });
  picture.addEventListener("load", () => picture === image && lay());
  picture.addEventListener("error", () => {
    kept.delete(id);
    if (picture === image) missing();
  });
  return picture;
}

function put(picture, alt) {
  image.removeAttribute("id");
  image.replaceWith(Object.assign(picture, { id: "picture", alt }));
  image = picture;
  lay();
}

/** Show the picture as it is, whole. */
export function reset() {
  Object.assign(looks, { zoom: 1, x: 0.5, y: 0.5, brightness: 1, contrast: 1 });
  lay();
}

/** Change brightness or contrast. */
export function light(name, factor) {
  looks[name] = between(0.25, looks[name] * factor, 8);
  lay();
}

/** Zoom about a point of the screen; without one, about the middle. */
export function zoom(factor, point = null) {
  const { left, top, width, height } = stage.getBoundingClientRect();
  const [x, y] = point ? [point.x - left - width / 2, point.y - top - height / 2] : [0, 0];
  const before = size();
  looks.zoom = between(1, looks.zoom * factor, NEAREST);
  const after = size();
  looks.x += x / before.width - x / after.width;
  looks.y += y / before.height - y / after.height;
  lay();
  if (looks.zoom >= SHARP) sharpen();
}

/** Zoom, at first into the first box. */
export function nearer() {
  const box = shown && boxesIn(shown)[0]?.box;
  if (box && looks.zoom === 1) Object.assign(looks, { x: box.x + box.width / 2, y: box.y + box.height / 2 });
  zoom(STEP);
}

export const farther = () => zoom(1 / STEP);
export const toggleBoxes = () => $("boxes").toggleAttribute("hidden");

const boxesIn = ({ parts }) => parts.filter((part) => part.box);

function boxesOf(photo) {
  return boxesIn(photo).map(({ box, kind, named }) => {
    const made = make("div", called({ kind, ...named }));
    for (const [side, share] of [["left", box.x], ["top", box.y], ["width", box.width], ["height", box.height]]) made.style[side] = `${share * 100}%`;
    return made;
  });
}

// How large the picture is on the screen.
function size() {
  const [width, height] = [image.naturalWidth || 4, image.naturalHeight || 3];
  const fit = Math.min(stage.clientWidth / width, stage.clientHeight / height) * looks.zoom;
  return { width: width * fit, height: height * fit };
}

function lay() {
  const { width, height } = size();
  const middle = (share, all, seen) => (all <= seen ? 0.5 : between(seen / 2 / all, share, 1 - seen / 2 / all));
  looks.x = middle(looks.x, width, stage.clientWidth);
  looks.y = middle(looks.y, height, stage.clientHeight);
  Object.assign(view.style, {
    width: `${width}px`, height: `${height}px`,
    left: `${stage.clientWidth / 2 - looks.x * width}px`, top: `${stage.clientHeight / 2 - looks.y * height}px`,
  });
  image.style.filter = `brightness(${looks.brightness}) contrast(${looks.contrast})`;
  const signs = [["×", looks.zoom], ["☀ ", looks.brightness], ["◐ ", looks.contrast]];
  $("look").textContent = signs.filter(([, value]) => Math.abs(value - 1) > 0.01).map(([sign, value]) => sign + value.toFixed(1)).join("  ");
}

// Get the photo in full size, and show it once it is here.
function sharpen() {
  const { id } = shown;
  if (sharpened === id) return;
  sharpened = id;
  const full = loading(id, `?side=${FULL}`);
  full.decode().then(() => {
    kept.set(id, full);
    if (shown.id === id) put(full, image.alt);
  }, () => {});
}

const fingers = new Map();
let start = null;

function moved(event) {
  const last = fingers.get(event.pointerId);
  if (!last) return;
  const others = [...fingers].filter(([id]) => id !== event.pointerId).map(([, each]) => each);
  const point = { x: event.clientX, y: event.clientY };
  fingers.set(event.pointerId, point);
  if (others.length) {
    const [other] = others;
    const distance = (a) => Math.hypot(a.x - other.x, a.y - other.y) || 1;
    start = null;
    zoom(distance(point) / distance(last), { x: (point.x + other.x) / 2, y: (point.y + other.y) / 2 });
    return;
  }
  const { width, height } = size();
  looks.x -= (point.x - last.x) / width;
  looks.y -= (point.y - last.y) / height;
  lay();
}

function lifted(event) {
  const isFinger = event.type === "pointerup" && event.pointerType === "touch" && looks.zoom === 1;
  const far = start && isFinger ? event.clientX - start.x : 0;
  fingers.delete(event.pointerId);
  if (Math.abs(far) > SWIPE) swiped(far < 0 ? 1 : -1);
}

stage.addEventListener("pointerdown", (event) => {
  start = { x: event.clientX, y: event.clientY };
  fingers.set(event.pointerId, start);
  stage.setPointerCapture(event.pointerId);
});
stage.addEventListener("pointermove", moved);
for (const type of ["pointerup", "pointercancel"]) stage.addEventListener(type, lifted);
stage.addEventListener("dblclick", reset);
stage.addEventListener("wheel", (event) => {
  event.preventDefault();
  zoom(Math.exp(-event.deltaY / 400), { x: event.clientX, y: event.clientY });
}, { passive: false });
new ResizeObserver(lay).observe(stage);
