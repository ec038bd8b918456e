// Prepare a photo for sending: check that it is one, read its place and time, and make a copy of the size that the models need.

import { MEDIA_TYPES, READABLE } from "../../../../chalicelib/photo/formats.json";
import { exifIn } from "./exif.js";
import { Problem } from "./problem.js";

export const MAX_BYTES = 4_500_000; // the limit of a Lambda event, 6 MB in base64
const SMALL = 500_000; // bytes; up to this size a photo is sent as it is
const LONGEST_SIDE = 1600; // pixels; the models look at 260, of a part of the photo if need be
const LEAST_SIDE = 900; // pixels; the longer side becomes no smaller to take ENOUGH
const ENOUGH = 140_000; // bytes, which take 1.5 s at 750 kbit/s
const PROBE_SIDE = 400; // pixels
const QUALITY = 0.8;
const GRAINY_QUALITY = 0.65; // of a photo that takes more than ENOUGH at LEAST_SIDE
const known = new WeakMap(); // what was prepared, by file; after a reload, the file is the copy, without EXIF

/**
 * Return the photo to send, its position, and the month in which it was taken. What the browser cannot decode (mostly HEIC) is sent unchanged. Throws a
 * `Problem` for a file that neither the browser nor the API can read.
 * @param {Blob} file
 * @returns {Promise<{blob: Blob, position: null | {latitude: number, longitude: number}, month: null | string}>}
 */
export async function prepare(file) {
  if (known.has(file)) return known.get(file);
  const bytes = new Uint8Array(await file.arrayBuffer());
  const isReadable = READABLE.test(String.fromCharCode(...bytes.subarray(0, 64)));
  const exif = exifIn(bytes);
  if (isReadable && file.size <= SMALL) return { blob: file, ...exif };
  const copy = await shrink(file).catch(() => null);
  if (!copy && !isReadable) throw new Problem("unsupported_media_type", file.name);
  return { blob: copy && (copy.size < file.size || !isReadable) ? copy : file, ...exif };
}

/** Have `prepare` return for a file what was prepared of it before, perhaps before a reload. */
export function remember(file, prepared) {
  known.set(file, prepared);
}

/** Return the Content-Type to send. Unknown types are sent as bytes, from which the server detects the format. */
export function contentType(photo) {
  return MEDIA_TYPES.includes(photo.type) ? photo.type : "application/octet-stream";
}

async function shrink(file) {
  const bitmap = await createImageBitmap(file); // upright: browsers apply the EXIF orientation
  const large = redraw(bitmap, Math.min(LONGEST_SIDE, Math.max(bitmap.width, bitmap.height)));
  bitmap.close();
  // A small copy tells how many bytes a pixel takes, so that there is only one large copy to encode.
  const probe = await encode(redraw(large, PROBE_SIDE), QUALITY);
  const side = PROBE_SIDE * Math.sqrt(ENOUGH / probe.size);
  if (side < LEAST_SIDE) return encode(redraw(large, LEAST_SIDE), GRAINY_QUALITY);
  return encode(redraw(large, Math.min(side, LONGEST_SIDE)), QUALITY);
}

/** Return a picture on a canvas with at most `longestSide` pixels a side. */
function redraw(picture, longestSide) {
  const scale = Math.min(1, longestSide / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [Math.round(picture.width * scale), Math.round(picture.height * scale)];
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff"; // behind what is transparent
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/** Return the file of a canvas. WebP takes 40 % less than JPEG; a browser that cannot write it gives a PNG instead. */
async function encode(canvas, quality) {
  const copy = await encoded(canvas, "image/webp", quality);
  return copy.type === "image/webp" ? copy : encoded(canvas, "image/jpeg", quality);
}

function encoded(canvas, type, quality) {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no memory for a copy"))), type, quality);
  });
}
