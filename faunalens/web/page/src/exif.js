// Read where and when a photo was taken from its EXIF, in any file format: a canvas drops EXIF, so the page sends both.
// Sources: EXIF 2.32 (CIPA DC-008) section 4.6.6 and TIFF 6.0 for the tags; the PNG, WebP and HEIF specifications for
// what stands before them.

const TIFF = String.raw`(?=II\*\0|MM\0\*)`; // its byte order and the number 42
const EXIF = new RegExp(String.raw`Exif\0\0${TIFF}|eXIf${TIFF}|EXIF[^]{4}${TIFF}|^${TIFF}`);
const [EXIF_DIRECTORY, GPS_DIRECTORY, TAKEN] = [0x8769, 0x8825, 0x9003];
const [LATITUDE, LONGITUDE] = [2, 4]; // the tag before each has the letter of its hemisphere
const RATIONAL = 5;
const DATE = /^((?:19|20)\d\d):(0[1-9]|1[0-2]):(0[1-9]|[12]\d|3[01])?/; // the beginning of "2026:07:14 09:30:00"

/**
 * Return the position in decimal degrees, the month such as "2026-07", and the date such as "2026-07-14" or without the day,
 * each null if there is no valid one. Exactly 0/0 counts as no position: cameras without a fix write it.
 * @param {Uint8Array} bytes  a photo
 * @returns {{position: null | {latitude: number, longitude: number}, month: null | string, date: null | string}}
 */
export function exifIn(bytes) {
  // Each byte becomes one character, so the index is that of the byte.
  const found = EXIF.exec(new TextDecoder("latin1").decode(bytes));
  if (!found) return { position: null, month: null, date: null };
  const start = found.index + found[0].length;
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, bytes.length - start);
  const date = within(() => readDate(view));
  return { position: within(() => readPosition(view)), month: date?.slice(0, 7) ?? null, date };
}

/** Return what a reader finds, or null if it meets an offset outside the file. */
function within(read) {
  try {
    return read();
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function readPosition(view) {
  const gps = readBelow(view, GPS_DIRECTORY);
  if (!gps) return null;
  const little = isLittle(view);
  const latitude = readDegrees(view, gps, LATITUDE, "NS", little);
  const longitude = readDegrees(view, gps, LONGITUDE, "EW", little);
  const isValid = Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180 && (latitude !== 0 || longitude !== 0);
  return isValid ? { latitude, longitude } : null;
}

function readDate(view) {
  const entry = readBelow(view, EXIF_DIRECTORY)?.get(TAKEN);
  if (entry === undefined) return null;
  const start = view.getUint32(entry + 8, isLittle(view));
  const text = String.fromCharCode(...Array.from({ length: 10 }, (_, i) => view.getUint8(start + i)));
  const parts = DATE.exec(text)?.slice(1).filter(Boolean);
  return parts?.join("-") ?? null;
}

function isLittle(view) {
  return view.getUint16(0) === 0x4949;
}

/** Return a directory that the main one points to, or undefined. */
function readBelow(view, tag) {
  const little = isLittle(view);
  const main = readDirectory(view, view.getUint32(4, little), little);
  return main.has(tag) ? readDirectory(view, view.getUint32(main.get(tag) + 8, little), little) : undefined;
}

/** Return the offset of each entry of a directory, by its tag. */
function readDirectory(view, offset, little) {
  const starts = Array.from({ length: view.getUint16(offset, little) }, (_, i) => offset + 2 + 12 * i);
  return new Map(starts.map((start) => [view.getUint16(start, little), start]));
}

/** Return degrees, with the sign of the hemisphere, or NaN. The tag has degrees, minutes and seconds. */
function readDegrees(view, gps, tag, [plus, minus], little) {
  const [letterEntry, entry] = [gps.get(tag - 1), gps.get(tag)];
  if (letterEntry === undefined || entry === undefined || view.getUint16(entry + 2, little) !== RATIONAL) return NaN;
  const letter = String.fromCharCode(view.getUint8(letterEntry + 8)).toUpperCase();
  const [count, start] = [view.getUint32(entry + 4, little), view.getUint32(entry + 8, little)];
  if (![plus, minus].includes(letter) || count < 1 || count > 3) return NaN;
  const parts = Array.from({ length: count }, (_, i) => {
    const at = start + 8 * i;
    return view.getUint32(at, little) / view.getUint32(at + 4, little);
  });
  const [degrees, minutes = 0, seconds = 0] = parts;
  return minutes <= 60 && seconds <= 60 ? (degrees + minutes / 60 + seconds / 3600) * (letter === plus ? 1 : -1) : NaN;
}
