// What a detector found in a photo: boxes of animals, people and vehicles, as chalicelib/model/detector.py finds them. Pure.
// A box is {left, top, right, bottom} in shares of the photo's width and height, with its score and its kind.

/**
 * Return the boxes of one photo by kind, the surest first.
 * @param {{boxes: Float32Array, scores: Float32Array}} outputs  of the detector
 * @param {{width: number, height: number}} photo  as it lies in the detector's image
 * @param {{classes: object, most: object, SCORE: number, OVERLAP: number}} rule  of the detector
 */
export function found({ boxes, scores }, photo, { classes, most, SCORE: least, OVERLAP: overlap }) {
  const count = boxes.length / 4;
  const width = scores.length / count;
  return Object.fromEntries(
    Object.entries(classes).map(([kind, outputs]) => {
      const likely = [];
      for (let i = 0; i < count; i += 1) {
        const score = outputs.reduce((best, output) => Math.max(best, scores[i * width + output]), 0);
        if (score < least) continue;
        const box = { ...sides(boxes.subarray(i * 4, i * 4 + 4), photo), score: Math.min(score, 1), kind };
        if (box.left < box.right && box.top < box.bottom) likely.push(box);
      }
      return [kind, suppressed(likely, overlap, most[kind])];
    }),
  );
}

/** Return the highest score of each kind. */
export function highestOf({ boxes, scores }, classes) {
  const count = boxes.length / 4;
  const width = scores.length / count;
  const highest = (outputs) => {
    let most = 0;
    for (let i = 0; i < count; i += 1) for (const output of outputs) most = Math.max(most, scores[i * width + output]);
    return most;
  };
  return Object.fromEntries(Object.entries(classes).map(([kind, outputs]) => [kind, highest(outputs)]));
}

/** Return the sides of a box, cut off at the photo's borders. */
function sides([x, y, across, down], { width, height }) {
  const share = (pixels, whole) => Math.min(Math.max(Math.fround(pixels / whole), 0), 1);
  return {
    left: share(x - across / 2, width),
    top: share(y - down / 2, height),
    right: share(x + across / 2, width),
    bottom: share(y + down / 2, height),
  };
}

/** Return the boxes that stay: the surest, without those that overlap with it, and so on (non-maximum suppression). */
function suppressed(boxes, overlap, most) {
  let left = boxes.sort((a, b) => b.score - a.score);
  const kept = [];
  while (left.length && kept.length < most) {
    const [best, ...others] = left;
    kept.push(best);
    left = others.filter((other) => !overlapping(best, other, overlap));
  }
  return kept;
}

function overlapping(a, b, share) {
  const across = Math.max(0, Math.min(a.right, b.right) - Math.max(a.left, b.left));
  const down = Math.max(0, Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top));
  return across * down >= share * (areaOf(a) + areaOf(b) - across * down);
}

export function areaOf({ left, top, right, bottom }) {
  return (right - left) * (bottom - top);
}

/** Return a box with a share of its size more on each side, inside of the photo: boxes often cut off an ear. */
export function grown({ left, top, right, bottom }, share) {
  const [across, down] = [(right - left) * share, (bottom - top) * share];
  return { left: Math.max(left - across, 0), top: Math.max(top - down, 0), right: Math.min(right + across, 1), bottom: Math.min(bottom + down, 1) };
}
