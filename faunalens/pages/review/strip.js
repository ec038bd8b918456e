// The burst as a filmstrip: which photo is seen, which are selected and reviewed, and the events before and after it.
import { $, make } from "./elements.js";
import { called, listed, say, span, written } from "./words.js";
import { answerOf } from "./observations.js";

const SIDE = 240; // pixels of a thumbnail
const strip = $("strip");
let clicked = () => {};

/** Show an event. `isReviewed`: by photo. `click` gets a photo's number, and whether it is to be selected, or all up to it. */
export function show(event, { current, selection, isReviewed, click }) {
  clicked = click;
  const { photos } = event;
  const ids = photos.map((each) => String(each.id));
  if ([...strip.children].map((each) => each.dataset.photo).join() !== ids.join()) {
    strip.replaceChildren(...photos.map(frame));
    neighbour($("before"), event.before, "before");
    neighbour($("after"), event.after, "after");
  }
  for (const [number, photo] of photos.entries()) {
    const each = strip.children[number];
    const names = listed(answerOf(photo).map(called));
    each.classList.toggle("current", number === current);
    each.classList.toggle("reviewed", isReviewed(photo));
    each.setAttribute("aria-selected", selection.has(number));
    each.setAttribute("aria-label", [say("alt", { number: number + 1, count: photos.length }), names, isReviewed(photo) && say("reviewed")].filter(Boolean).join(", "));
    each.querySelector(".name").textContent = names;
  }
  const seen = strip.children[current];
  strip.setAttribute("aria-activedescendant", seen.id);
  seen.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function frame(photo, number, photos) {
  const before = photos[number - 1];
  const since = before?.time && photo.time ? (new Date(photo.time) - new Date(before.time)) / 1000 : null;
  const time = since === null ? written(photo.time, { short: true }) : `+${span(since)}`;
  const made = make("li", [
    make("img", [], { alt: "", loading: "lazy", draggable: false, src: `picture/${photo.id}?side=${SIDE}` }),
    make("span", [], { className: "check" }),
    make("span", [], { className: "name" }),
    make("span", time, { className: "time" }),
  ], { id: `frame-${photo.id}`, role: "option" });
  made.dataset.photo = photo.id;
  return made;
}

// The event that is next to this one in time: how long between, and what it shows.
function neighbour(figure, other, which) {
  figure.hidden = !other;
  if (!other) return;
  const [image, caption] = figure.children;
  image.src = `picture/${other.id}?side=${SIDE}`;
  const gap = other.gap_seconds === null ? "" : say(which, { span: span(other.gap_seconds) });
  caption.replaceChildren(make("b", gap), ` ${listed(other.says.map(called))}`);
}

strip.addEventListener("click", (event) => {
  const item = event.target.closest("li");
  if (!item) return;
  const toggles = event.ctrlKey || event.metaKey || event.target.className === "check";
  clicked([...strip.children].indexOf(item), { toggles, extends: event.shiftKey });
});
