// Gestures on a map: drag it, and zoom by the wheel or with two fingers.

const MOVED = 6; // pixels, from which a press is no click

/** Let a map be moved and zoomed. Return a function that tells whether a click is the end of a drag. */
export function letMove(svg, map) {
  const fingers = new Map(); // pointer events by id
  let moved = 0;
  svg.addEventListener("pointerdown", (event) => {
    if (!fingers.size) moved = 0;
    fingers.set(event.pointerId, event);
  });
  svg.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before || !map.isClose) return;
    const [right, down] = [event.clientX - before.clientX, event.clientY - before.clientY];
    moved += Math.abs(right) + Math.abs(down);
    const [other] = [...fingers.values()].filter(({ pointerId }) => pointerId !== event.pointerId);
    if (other) map.zoomBy(distance(event, other) / (distance(before, other) || 1), map.pointAt(other));
    else if (moved > MOVED) map.moveBy(right, down);
    fingers.set(event.pointerId, event);
  });
  for (const name of ["pointerup", "pointercancel", "pointerleave"]) svg.addEventListener(name, ({ pointerId }) => fingers.delete(pointerId));
  svg.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey && !map.isClose) return; // the page scrolls
      event.preventDefault();
      map.zoomBy(2 ** (-event.deltaY / 300), map.pointAt(event));
    },
    { passive: false },
  );
  return () => moved > MOVED;
}

function distance(a, b) {
  return Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
}
