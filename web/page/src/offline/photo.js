// Decode a photo in a worker to the upright RGB pixels that the server sees: no colour profile is applied.

import { drafted } from "./picture.js";

/** Return {image, side}: a photo as resize.js has it, and its shorter side. `size`: of the general model's image. */
export async function decoded(blob, size) {
  const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none" }); // upright by EXIF, as on the server
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.fillStyle = "#fff"; // behind what is transparent
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const image = { width, height, pixels: withoutAlpha(context.getImageData(0, 0, width, height).data) };
  return { image: (await isJpeg(blob)) ? drafted(image, size) : image, side: Math.min(width, height) };
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
