// Decode a photo in a worker to the upright RGB pixels that the server sees: no colour profile is applied.

import { draftOf, shrunk } from "./picture.js";

const ROWS = 64; // of a strip, a multiple of each draft: whole photos of 12 megapixels would take 130 MB more

/** Return {image, side}: a photo as resize.js has it, and its shorter side. `size`: of the general model's image. */
export async function decoded(blob, size) {
  const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none" }); // upright by EXIF, as on the server
  const { width, height } = bitmap;
  const factor = (await isJpeg(blob)) ? draftOf(bitmap, size) : 1;
  const image = { width: Math.ceil(width / factor), height: Math.ceil(height / factor) };
  image.pixels = new Uint8Array(image.width * image.height * 3);
  const context = new OffscreenCanvas(width, ROWS).getContext("2d", { willReadFrequently: true });
  for (let top = 0; top < height; top += ROWS) {
    const rows = Math.min(ROWS, height - top);
    context.fillStyle = "#fff"; // behind what is transparent
    context.fillRect(0, 0, width, rows);
    context.drawImage(bitmap, 0, -top);
    const strip = { width, height: rows, pixels: withoutAlpha(context.getImageData(0, 0, width, rows).data) };
    image.pixels.set(shrunk(strip, factor).pixels, (top / factor) * image.width * 3);
  }
  bitmap.close();
  return { image, side: Math.min(width, height) };
}

function withoutAlpha(rgba) {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4, to += 3) {
    rgb[to] = rgba[from];
    rgb[to + 1] = rgba[from + 1];
    rgb[to + 2] = rgba[from + 2];
  }
  return rgb;
}

async function isJpeg(blob) {
  const [first, second] = new Uint8Array(await blob.slice(0, 2).arrayBuffer());
  return first === 0xff && second === 0xd8;
}
