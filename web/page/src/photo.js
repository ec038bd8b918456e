// Prepare a photo for sending: read its position, and make a smaller copy if it is too large.

import { positionIn } from "./exif.js";

export const MAX_BYTES = 4_500_000; // the limit of a Lambda event, 6 MB in base64
const LONGEST_SIDE = 1600; // pixels; the model uses 260
const QUALITY = 0.9;
const SENT_TYPES = ["image/jpeg", "image/png", "image/webp", "image/heic", "image/heif", "image/tiff"];

/**
 * Return the photo to send, and its position. A format that the browser cannot decode (mostly HEIC) is sent unchanged.
 * @param {Blob} file
 * @returns {Promise<{blob: Blob, position: null | {latitude: number, longitude: number}}>}
 */
export async function prepare(file) {
  const position = positionIn(new Uint8Array(await file.arrayBuffer()));
  return { blob: file.size <= MAX_BYTES ? file : await shrink(file).catch(() => file), position };
}

/** Return the Content-Type to send. Unknown types are sent as bytes, from which the server detects the format. */
export function contentType(photo) {
  return SENT_TYPES.includes(photo.type) ? photo.type : "application/octet-stream";
}

async function shrink(file) {
  const bitmap = await createImageBitmap(file); // upright: browsers apply the EXIF orientation
  const scale = Math.min(1, LONGEST_SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [Math.round(bitmap.width * scale), Math.round(bitmap.height * scale)];
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no memory for a copy"))), "image/jpeg", QUALITY);
  });
}
