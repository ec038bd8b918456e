// A photo as it is sent: as it came if it is small enough, else a smaller copy that still says where it was taken.

import { exifSegment, upright, withExif } from "./exif.js";

export const MOST_BYTES = 4_500_000; // what fits the API's door: 6 MB of event, less base64
const LONGEST_SIDE = 1600; // pixels; the model looks at 260
const QUALITY = 0.9;
const SENT_TYPES = ["image/jpeg", "image/png", "image/webp", "image/heic", "image/heif", "image/tiff"];

/**
 * The photo to send. What this browser cannot decode (HEIC, mostly) is sent as it is: the answer tells what then.
 * @param {Blob} file
 * @returns {Promise<Blob>}
 */
export async function toSend(file) {
  if (file.size <= MOST_BYTES) return file;
  try {
    return await shrink(file);
  } catch {
    return file;
  }
}

/** The Content-Type to send: the server looks at the bytes, so a type it does not list is plain bytes. */
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
  const smaller = await new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no memory for a copy"))), "image/jpeg", QUALITY);
  });
  const segment = exifSegment(new Uint8Array(await file.arrayBuffer()));
  return segment ? withExif(smaller, upright(segment)) : smaller;
}
