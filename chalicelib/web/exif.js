// Copy the EXIF segment of a JPEG to its smaller copy, since a canvas drops EXIF and with it the location. Only the
// orientation changes, because the canvas has already applied it.
// Sources: JPEG (ITU-T T.81, annex B) for the markers, EXIF 2.32 (CIPA DC-008) section 4.5.4 and TIFF 6.0 for the rest.

const ORIENTATION = 0x0112;
const SHORT = 3;
const TIFF_START = 10; // after marker (2), length (2) and "Exif\0\0" (6)

/**
 * The EXIF segment (APP1, marker and length included) of a JPEG, copied; null if there is none.
 * @param {Uint8Array} jpeg
 */
export function exifSegment(jpeg) {
  if (jpeg[0] !== 0xff || jpeg[1] !== 0xd8) return null;
  for (let at = 2; at + 4 <= jpeg.length && jpeg[at] === 0xff;) {
    const marker = jpeg[at + 1];
    if (marker === 0xff) {
      at += 1; // a fill byte
      continue;
    }
    if (marker === 0xda || marker === 0xd9) return null; // the image data begins: no more metadata
    const end = at + 2 + ((jpeg[at + 2] << 8) | jpeg[at + 3]);
    const isExif = String.fromCharCode(...jpeg.subarray(at + 4, at + TIFF_START)) === "Exif\0\0";
    if (marker === 0xe1 && isExif) return end <= jpeg.length ? jpeg.slice(at, end) : null;
    at = end;
  }
  return null;
}

/** Copy the segment and set its orientation, if it has one, to 1 (upright). */
export function upright(segment) {
  const copy = segment.slice();
  const view = new DataView(copy.buffer, copy.byteOffset + TIFF_START, copy.length - TIFF_START);
  try {
    const little = view.getUint16(0) === 0x4949;
    const directory = view.getUint32(4, little);
    const entries = view.getUint16(directory, little);
    for (let i = 0; i < entries; i += 1) {
      const entry = directory + 2 + 12 * i;
      const isOrientation =
        view.getUint16(entry, little) === ORIENTATION && view.getUint16(entry + 2, little) === SHORT;
      if (isOrientation) view.setUint16(entry + 8, 1, little);
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // offsets outside the segment: copy broken EXIF unchanged
  }
  return copy;
}

/** Insert the segment after the start marker of a JPEG, where EXIF belongs. */
export function withExif(jpeg, segment) {
  return new Blob([jpeg.slice(0, 2), segment, jpeg.slice(2)], { type: "image/jpeg" });
}
