// Copy the EXIF segment, which contains the location, from a JPEG to its smaller copy, because a canvas drops it. Reset
// the orientation, because the canvas has already applied it.
// Sources: JPEG (ITU-T T.81, annex B) for the markers, EXIF 2.32 (CIPA DC-008) section 4.5.4 and TIFF 6.0 for the rest.

const ORIENTATION = 0x0112;
const SHORT = 3;
const TIFF_START = 10; // after marker (2), length (2) and "Exif\0\0" (6)

/**
 * Return a copy of a JPEG's EXIF segment (APP1, with its marker and length), or null if there is none.
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
    if (marker === 0xda || marker === 0xd9) return null; // the image data begins, and there is no more metadata
    const end = at + 2 + ((jpeg[at + 2] << 8) | jpeg[at + 3]);
    const isExif = String.fromCharCode(...jpeg.subarray(at + 4, at + TIFF_START)) === "Exif\0\0";
    if (marker === 0xe1 && isExif) return end <= jpeg.length ? jpeg.slice(at, end) : null;
    at = end;
  }
  return null;
}

/** Return a copy of the segment in which the orientation, if any, is 1 (upright). */
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
    if (!(error instanceof RangeError)) throw error; // an offset is outside the segment: keep the rest unchanged
  }
  return copy;
}

/** Insert the segment after the start marker of a JPEG, where EXIF belongs. */
export function withExif(jpeg, segment) {
  return new Blob([jpeg.slice(0, 2), segment, jpeg.slice(2)], { type: "image/jpeg" });
}
