// Resize images exactly as Pillow does on the server. A browser's own scaling changes the answer for one photo in eight.
// An image is {width, height, pixels}, with the pixels as RGB bytes in rows.

const BITS = 22; // of the fraction of a weight in fixed point: PRECISION_BITS in Pillow's Resample.c

/** Each filter: how many pixels it reaches, and the weight of a pixel at a distance. */
const FILTERS = {
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: { support: 2, weight: (x) => cubic(Math.abs(x)) },
};

function cubic(x) {
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
}

/**
 * Return a part of an image in another size, as Pillow's `Image.resize`.
 * @param {[number, number, number, number]} area  left, top, right and bottom side of the part, in pixels
 * @param {[number, number]} size  of the result
 * @param {{filter?: "bicubic" | "bilinear", gap?: number}} how  `gap`: Pillow's `reducing_gap`, how many times as large as
 *   the result the means of whole pixels stay, which come before the filter; 0: none do
 */
export function resized(image, area, size, { filter = "bicubic", gap = 0 } = {}) {
  const [left, top, right, bottom] = area;
  const scale = [(right - left) / size[0], (bottom - top) / size[1]];
  const factors = scale.map((each) => Math.max(1, gap ? Math.trunc(each / gap) : 1));
  if (factors.some((factor) => factor > 1)) {
    const [x, y] = scale.map((each) => each * (FILTERS[filter].support - 0.5));
    const reach = [
      Math.max(0, Math.trunc(left - x)),
      Math.max(0, Math.trunc(top - y)),
      Math.min(image.width, Math.ceil(right + x)),
      Math.min(image.height, Math.ceil(bottom + y)),
    ];
    const inside = area.map((side, i) => (side - reach[i % 2]) / factors[i % 2]);
    return resized(reduced(image, factors, reach), inside, size, { filter });
  }
  const [west, north, east, south] = area.map(Math.fround); // Pillow's C has them in 32 bits
  const down = weightsOf(image.height, north, south, size[1], FILTERS[filter]);
  const across = weightsOf(image.width, west, east, size[0], FILTERS[filter]);
  // Pillow 13 goes down first if that leaves out far more rows than columns. The order changes roundings.
  if (image.height - size[1] > 2 * Math.max(image.width - size[0], 0)) {
    return filteredAcross(filteredDown(image, down, size[1]), across, size[0]);
  }
  return filteredDown(filteredAcross(image, across, size[0], rowsOf(down)), down, size[1]);
}

/** Return an image with the mean of each rectangle of `across` × `down` pixels, as Pillow's `Image.reduce`. */
export function reduced(image, [across, down], [left, top, right, bottom] = [0, 0, image.width, image.height]) {
  const width = Math.ceil((right - left) / across);
  const height = Math.ceil((bottom - top) / down);
  const pixels = new Uint8Array(width * height * 3);
  for (let y = 0, to = 0; y < height; y += 1) {
    const [first, last] = [top + y * down, Math.min(top + (y + 1) * down, bottom)];
    for (let x = 0; x < width; x += 1) {
      const [start, end] = [left + x * across, Math.min(left + (x + 1) * across, right)];
      const count = (last - first) * (end - start);
      const multiplier = Math.floor(2 ** 24 / count); // Pillow divides by multiplying
      let [red, green, blue] = [count >> 1, count >> 1, count >> 1];
      for (let row = first; row < last; row += 1) {
        for (let from = (row * image.width + start) * 3, stop = from + (end - start) * 3; from < stop; from += 3) {
          red += image.pixels[from];
          green += image.pixels[from + 1];
          blue += image.pixels[from + 2];
        }
      }
      for (const sum of [red, green, blue]) pixels[to++] = Math.floor((sum * multiplier) / 2 ** 24);
    }
  }
  return { width, height, pixels };
}

/**
 * Return, for each pixel along one side of the result, the first pixel that it is made of, and their weights; null if
 * nothing changes along this side.
 */
function weightsOf(length, from, to, size, { support, weight }) {
  if (size === length && from === 0 && to === length) return null;
  const scale = Math.fround(to - from) / size;
  const wide = Math.max(scale, 1);
  const narrow = 1 / wide;
  return Array.from({ length: size }, (_, i) => {
    const centre = from + (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support * wide + 0.5));
    const count = Math.min(length, Math.trunc(centre + support * wide + 0.5)) - first;
    const weights = Array.from({ length: count }, (_, n) => weight((n + first - centre + 0.5) * narrow));
    const sum = weights.reduce((a, b) => a + b, 0);
    return { first, weights: Int32Array.from(weights, (each) => rounded((each / sum) * 2 ** BITS)) };
  });
}

/** Round halves away from zero, as C's conversion of x ± 0.5 does. */
function rounded(x) {
  return Math.trunc(x < 0 ? x - 0.5 : x + 0.5);
}

/** Return the first row that a pass down reads, and the one after the last; null for all rows. */
function rowsOf(down) {
  return down && [down[0].first, down.at(-1).first + down.at(-1).weights.length];
}

function filteredAcross(image, across, width, rows) {
  const [first, last] = rows ?? [0, image.height];
  if (!across) return image;
  const pixels = new Uint8Array(width * image.height * 3);
  for (let y = first; y < last; y += 1) {
    for (let x = 0, to = y * width * 3; x < width; x += 1, to += 3) {
      const { first: start, weights } = across[x];
      mix(image.pixels, (y * image.width + start) * 3, 3, weights, pixels, to);
    }
  }
  return { width, height: image.height, pixels };
}

function filteredDown(image, down, height) {
  if (!down) return image;
  const step = image.width * 3;
  const pixels = new Uint8Array(height * step);
  for (let y = 0, to = 0; y < height; y += 1) {
    const { first, weights } = down[y];
    for (let x = 0; x < image.width; x += 1, to += 3) mix(image.pixels, first * step + x * 3, step, weights, pixels, to);
  }
  return { width: image.width, height, pixels };
}

/** Write the weighted sum of some pixels, `step` bytes apart. */
function mix(from, start, step, weights, to, at) {
  const half = 1 << (BITS - 1);
  let [red, green, blue] = [half, half, half];
  for (let i = 0, n = start; i < weights.length; i += 1, n += step) {
    red += from[n] * weights[i];
    green += from[n + 1] * weights[i];
    blue += from[n + 2] * weights[i];
  }
  to[at] = limited(red >> BITS);
  to[at + 1] = limited(green >> BITS);
  to[at + 2] = limited(blue >> BITS);
}

function limited(level) {
  return level < 0 ? 0 : level > 255 ? 255 : level;
}
