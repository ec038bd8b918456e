// Pictures that zoom and move together: by fingers, Ctrl and wheel, keys, and two buttons.

import { make } from "./elements.js";
import { say } from "./language.js";

const MOST = 8; // times
const STEP = 1.5;
const SHIFT = 0.1; // of a picture's size, by an arrow key
const ARROWS = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/** Let the images in some frames zoom together. Return the two buttons. */
export function zoomTogether(frames) {
  let [scale, x, y] = [1, 0, 0]; // x, y: how far they are moved, as a share of their size
  const fingers = new Map(); // where each pointer is that touches a frame

  function move(by, [dx, dy] = [0, 0]) {
    scale = Math.min(Math.max(scale * by, 1), MOST);
    const most = (scale - 1) / 2;
    [x, y] = [x + dx, y + dy].map((each) => Math.min(Math.max(each, -most), most));
    for (const frame of frames) {
      frame.classList.toggle("close", scale > 1);
      const image = frame.querySelector("img");
      if (image) image.style.transform = `translate(${100 * x}%, ${100 * y}%) scale(${scale})`;
    }
    smaller.disabled = scale === 1;
    larger.disabled = scale === MOST;
  }

  function button(sign, key, by) {
    const made = make("button", sign, { type: "button", className: "small", ariaLabel: say(key), title: say(key) });
    made.addEventListener("click", () => move(by));
    return made;
  }

  const [larger, smaller] = [button("+", "zoom.in", STEP), button("−", "zoom.out", 1 / STEP)];
  const spread = () => {
    const [a, b] = [...fingers.values()];
    return Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
  };
  for (const frame of frames) {
    frame.tabIndex = 0;
    frame.addEventListener("keydown", (event) => {
      const by = { "+": STEP, "-": 1 / STEP }[event.key];
      if (!by && (!ARROWS[event.key] || scale === 1)) return;
      event.preventDefault();
      move(by ?? 1, ARROWS[event.key]?.map((each) => SHIFT * each * scale));
    });
    frame.addEventListener("wheel", (event) => {
      if (!event.ctrlKey) return; // the page scrolls; two fingers on a touchpad count as Ctrl
      event.preventDefault();
      move(event.deltaY < 0 ? 1.15 : 1 / 1.15);
    }, { passive: false });
    frame.addEventListener("pointerdown", (event) => {
      fingers.set(event.pointerId, event);
      frame.setPointerCapture(event.pointerId);
    });
    frame.addEventListener("pointermove", (event) => {
      const before = fingers.get(event.pointerId);
      if (!before) return;
      const apart = fingers.size === 2 ? spread() : 0;
      fingers.set(event.pointerId, event);
      const { width, height } = frame.getBoundingClientRect();
      if (apart) move(spread() / apart);
      else move(1, [(event.clientX - before.clientX) / width, (event.clientY - before.clientY) / height]);
    });
    for (const end of ["pointerup", "pointercancel"]) frame.addEventListener(end, ({ pointerId }) => fingers.delete(pointerId));
  }
  move(1);
  return [larger, smaller];
}
