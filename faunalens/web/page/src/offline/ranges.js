// The ranges of the whole world, as faunalens/data/packed.py packs them: what lives in a cell. Pure.

const MAGIC = [0x46, 0x4c, 0x4e, 0x57, 1]; // "FLNW" and the format
const SHIFT = 36n; // bits of a cell below those in which cells of resolution 3 differ

/**
 * Return what lives in a cell, as place.js takes it, but with the ids of animals. Reads the whole file, in about 20 ms.
 * @param {Uint8Array} bytes
 * @param {string} cell  in hex, as H3 writes it
 */
export function livingIn(bytes, cell) {
  if (MAGIC.some((byte, i) => bytes[i] !== byte)) throw new Error("format");
  let at = MAGIC.length;
  const number = () => {
    let [value, factor, byte] = [0, 1, 0];
    do {
      byte = bytes[at++];
      value += (byte & 127) * factor;
      factor *= 128;
    } while (byte > 127);
    return value;
  };
  const size = number();
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(at, at + size)));
  at += size;
  const found = { animals: [], unknown: header.unknown, relatives: [], areas: [], version: header.version };
  const wanted = Number(BigInt(`0x${cell}`) >> SHIFT);
  let position = -1; // of the cell among those of the file
  for (let i = 0, before = 0, cells = number(); i < cells; i += 1) {
    before += number();
    const areas = number();
    if (before === wanted) [position, found.areas] = [i, header.areas[areas].split(" ").filter(Boolean)];
  }
  const isIn = () => {
    let isFound = false;
    for (let runs = number(), start = 0; runs > 0; runs -= 1) {
      start += number();
      const end = start + number() + 1;
      isFound ||= position >= start && position < end;
      start = end;
    }
    return isFound;
  };
  for (let animals = number(), id = 0; animals > 0; animals -= 1) {
    id += number();
    for (let classes = number(); classes > 0; classes -= 1) {
      const kind = number();
      if (isIn()) found.animals.push({ id, weight: header.weights[kind >> 1], status: (kind & 1) + 1 });
    }
  }
  for (let relatives = number(); relatives > 0; relatives -= 1) {
    const relative = number();
    if (isIn()) found.relatives.push(relative);
  }
  return found;
}
