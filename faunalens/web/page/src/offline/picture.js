// The parts of a photo that models see, and its quality: the same squares as chalicelib/photo/pixels.py cuts, of an upright
// RGB image as resize.js has them. Pure: no browser is needed.

import { reduced, resized } from "./resize.js";

const MARGIN = 32; // pixels: a model of 224 sees the middle 224 of 256
const GREY = 114; // beside the photo in a detector's image, as YOLOX was trained
const STEP = 4; // pixels between those whose quality is measured

/** Return the middle of a photo, as the general model sees it first. */
export function square(image, size) {
  return cut(image, Math.min(image.width, image.height) * (size / (size + MARGIN)), image.width / 2, image.height / 2, size);
}

/** Return a part of a photo: `share` of its shorter side, around a point `x`, `y` in shares of what `square` shows. */
export function near(image, { x, y }, share, size) {
  const short = Math.min(image.width, image.height);
  const shown = short * (size / (size + MARGIN));
  return cut(image, short * share, image.width / 2 + (x - 0.5) * shown, image.height / 2 + (y - 0.5) * shown, size);
}

/** Return the smallest square around a box, whose sides are shares of the photo's width and height. */
export function around(image, { left, top, right, bottom }, size) {
  const longest = Math.max((right - left) * image.width, (bottom - top) * image.height, 1);
  const side = Math.min(longest, image.width, image.height);
  return cut(image, side, ((left + right) / 2) * image.width, ((top + bottom) / 2) * image.height, size);
}

/** Return the square around a point, moved so that all of it is in the photo. */
function cut(image, side, x, y, size) {
  const { width, height } = image;
  const left = Math.min(Math.max(x - side / 2, 0), width - side);
  const top = Math.min(Math.max(y - side / 2, 0), height - side);
  const area = [left, top, Math.min(left + side, width), Math.min(top + side, height)];
  return resized(image, area, [size, size], { gap: 3 });
}

/**
 * Return a detector's image: the whole photo at the upper left, grey beside it. `longest`: the photo's longer side in it.
 * `step`: of the image's sides.
 */
export function letterBox(image, longest, step) {
  const scale = longest / Math.max(image.width, image.height);
  const [width, height] = [image.width, image.height].map((side) => Math.max(toEven(side * scale), 1));
  const whole = resized(image, [0, 0, image.width, image.height], [width, height], { filter: "bilinear", gap: 1 });
  const [columns, rows] = [width, height].map((side) => Math.ceil(side / step) * step);
  const pixels = new Uint8Array(rows * columns * 3).fill(GREY);
  for (let y = 0; y < height; y += 1) pixels.set(whole.pixels.subarray(y * width * 3, (y + 1) * width * 3), y * columns * 3);
  return { pixels, rows, columns, width, height };
}

/** Return a pack's image: the middle of what the general model saw. `crop`: the share of it. */
export function forPack(seen, { size, crop, resampling }) {
  const side = seen.width * crop;
  const start = (seen.width - side) / 2;
  return resized(seen, [start, start, start + side, start + side], [size, size], { filter: resampling });
}

/** Return a smaller photo for what comes after the first look, as the server keeps it. `size`: of the largest model. */
export function smaller(image, size) {
  return shrunk(image, timesEnough(image, size));
}

/**
 * Return by how much the server shrinks a JPEG that it decodes: a large one to 1/2, 1/4 or 1/8 of its size. What libjpeg then
 * makes of a block is within a level of the mean of its pixels.
 */
export function draftOf(image, size) {
  return [8, 4, 2].find((each) => timesEnough(image, size) >= each) ?? 1;
}

/** Return how many times a photo is as large as a model of some size needs. */
function timesEnough({ width, height }, size) {
  return Math.floor(Math.min(width, height) / (2 * (size + MARGIN)));
}

/** Return an image at 1/`factor` of its size. */
export function shrunk(image, factor) {
  return factor < 2 ? image : reduced(image, [factor, factor]);
}

/** Return whether a photo looks as if taken by night. `seen`: the square that the general model sees. */
export function isByNight(seen, { DARKEST, GREYEST }) {
  const { brightness, colour } = measures(seen);
  return brightness < DARKEST || colour < GREYEST;
}

/** Return the mean brightness, the share of fine detail in the contrast, and the mean difference of the colours. */
export function measures({ width, height, pixels }) {
  let [bright, colour, count] = [0, 0, 0];
  let [detail, details] = [0, 0];
  let [sum, squares, greens] = [0, 0, 0];
  for (let y = 0; y < height; y += STEP) {
    for (let x = 0; x < width; x += 1) {
      const at = (y * width + x) * 3;
      const [red, green, blue] = [pixels[at], pixels[at + 1], pixels[at + 2]];
      if (x % STEP === 0) {
        bright += 0.299 * red + 0.587 * green + 0.114 * blue;
        colour += Math.max(red, green, blue) - Math.min(red, green, blue);
        count += 1;
      }
      if (x > 0 && x < width - 1) {
        detail += Math.abs(2 * green - pixels[at - 2] - pixels[at + 4]);
        details += 1;
      }
      sum += green;
      squares += green * green;
      greens += 1;
    }
  }
  const contrast = Math.sqrt(Math.max(squares / greens - (sum / greens) ** 2, 0));
  return { brightness: bright / count, detail: detail / details / Math.max(contrast, 1), colour: colour / count };
}

/** Round as Python does: a half to the even number. */
function toEven(number) {
  const floor = Math.floor(number);
  if (number - floor !== 0.5) return Math.round(number);
  return floor % 2 ? floor + 1 : floor;
}
