// Where in the photo the general model saw the likeliest animal: its class map, as a glow over the photo.

import { $, make } from "./elements.js";

const GLOW = [255, 120, 0]; // red, green, blue
const MOST = 190; // of 255: the photo stays visible

/** Offer the class map of an answer, which the button shows and hides. */
export function offerClassMap({ class_map: map, subject, animals }) {
  $("class-map")?.remove();
  $("look").hidden = !map || subject !== "animal" || Boolean(animals) || $("frame").hidden;
  $("look").ariaPressed = "false";
  $("look").onclick = () => {
    const isShown = $("look").ariaPressed === "true";
    $("look").ariaPressed = String(!isShown);
    if (isShown) $("class-map").remove();
    else $("frame").append(drawn(map));
  };
}

function drawn({ share, rows }) {
  const canvas = make("canvas", "", { id: "class-map", width: rows[0].length, height: rows.length });
  const squares = rows.flat().flatMap((value) => [...GLOW, Math.round(MOST * value)]);
  canvas.getContext("2d").putImageData(new ImageData(Uint8ClampedArray.from(squares), rows[0].length), 0, 0);
  const { naturalWidth: width, naturalHeight: height } = $("picture");
  const side = share * Math.min(width, height);
  const percent = (part, whole) => `${(100 * part) / whole}%`;
  const place = { width: percent(side, width), height: percent(side, height), left: percent((width - side) / 2, width), top: percent((height - side) / 2, height) };
  Object.assign(canvas.style, place);
  return canvas;
}
