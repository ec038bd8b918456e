// What photos show, as chalicelib/model/recogniser.py says: which models look, at what, in which order. What follows from
// their scores is a graph that the server's own tables make. Pure: `run` runs a model.

import { found, grown, highestOf } from "./detections.js";
import { around, forPack, isByNight, letterBox, near, smaller, square } from "./picture.js";

const LEAST = 1e-9; // probability in a geometric mean, so that one look cannot exclude what the others show
const FIRST_OF = { animal: 0, person: 1, vehicle: 2 };

/**
 * Return what the graph of the rule says of the photos of one animal, as {said, packs, boxes, surest, seen, map}.
 * @param {object[]} images  as resize.js has them
 * @param {{weights: Float32Array, relatives: Float32Array, narrowed: boolean}} place
 * @param {object} table  rule.json
 * @param {(model: string, inputs: object) => Promise<object>} run
 */
export async function recognise(images, place, table, run) {
  const { general } = table;
  const looks = [];
  for (const image of images) looks.push(await look(square(image, general.size), general, run));
  const seen = { seen: looks[0].square, map: images.length > 1 ? null : looks[0].map };
  const first = await together(looks, place, table, run, {});
  if (images.length > 1 || !isDoubtful(first.said, table)) return { ...first, ...seen, boxes: null };
  const photo = smaller(images[0], general.size);
  const [{ animal }] = looks;
  const rests = animal >= table.detector.CLEAR && !isByNight(looks[0].square, table.quality);
  const boxes = rests ? null : await detect(photo, table, run, animal);
  const part = partOf(photo, boxes, looks[0], table);
  if (part) looks.push(await look(part, general, run));
  const second = await together(looks, place, table, run, boxes);
  let surest = boxes?.animal[0];
  if (rests && (second.said.taxon < 0 || second.said.level >= table.wide)) {
    [surest] = (await detect(photo, table, run, animal, table.detector.FAINT)).animal; // it may be too small
  }
  return { ...second, ...seen, boxes, surest };
}

/** Return the part of a photo that is worth a second look: the surest animal, or what the first look found; else null. */
function partOf(photo, boxes, first, { general, second_look: rule, subject }) {
  const focus = boxes?.animal[0];
  if (focus) return around(photo, grown(focus, rule.MARGIN), general.size);
  if (first.animal < subject.MOST_EMPTY) return null;
  return near(photo, placeIn(first.map, rule.STRONG), rule.SHARE, general.size);
}

/** Return where in its image the general model found the likeliest animal. `map`: its activation map, a square. */
export function placeIn(map, strong) {
  const side = Math.sqrt(map.length);
  const least = strong * map.reduce((most, value) => Math.max(most, value), 0);
  const found = [...map.keys()].filter((i) => Math.max(map[i], 0) >= least);
  const mean = (values) => values.reduce((sum, value) => sum + value + 0.5, 0) / values.length / side;
  return { x: mean(found.map((i) => i % side)), y: mean(found.map((i) => Math.floor(i / side))) };
}

/** Return whether a photo needs a second look: nothing is named, or nothing as narrow as a family, or unsurely. */
export function isDoubtful({ taxon, level, score }, { wide, second_look: rule }) {
  return taxon < 0 || score < rule.SURE || level >= wide;
}

async function look(seen, { size, animals }, run) {
  const prior = new Float32Array(animals).fill(1); // the place counts in the rule
  const scores = await run("general.onnx", { image: imageOf(seen, size), prior: { data: prior, dims: [1, animals] } });
  const { vision_probabilities: vision, animal_probability: [animal], activation_map: map } = scores;
  return { square: seen, vision, animal, map, packs: {} };
}

/** Return what the rule says of all looks at one animal, after the packs that they call for have looked too. */
async function together(looks, place, table, run, boxes) {
  const vision = meanOf(looks.map((each) => each.vision));
  const isAnimal = sumOf(looks.map((each) => each.animal)) / looks.length >= table.subject.MOST_EMPTY;
  const packs = table.packs.filter(({ members, gate }) => isAnimal && sumOf(members.map((each) => vision[each])) >= gate);
  for (const { name, ...form } of packs) {
    for (const each of looks) {
      const image = imageOf(forPack(each.square, form), form.size);
      each.packs[name] ??= (await run(`${name}.onnx`, { image })).probabilities;
    }
  }
  const stacked = (rows) => ({ data: Float64Array.from(rows.flatMap((row) => [...row])), dims: [rows.length, rows[0].length] });
  const surest = Object.keys(FIRST_OF).map((kind) => boxes?.[kind]?.[0]?.score ?? 0);
  const names = packs.map(({ name }) => name);
  const { file } = table.graphs.find((graph) => graph.packs.join() === names.join());
  const said = await run(file, {
    vision: stacked(looks.map((each) => each.vision)),
    animal_probability: flat(looks.map((each) => each.animal)),
    ...Object.fromEntries(names.map((name) => [name, stacked(looks.map((each) => each.packs[name]))])),
    weights: flat(place.weights),
    relatives: flat(place.relatives),
    narrowed: flat([place.narrowed ? 1 : 0]),
    boxes: flat(surest),
    by_night: flat([0]), // the detector for camera traps is not here
  });
  return { said: decided(said), packs: names };
}

/** Return the outputs of the rule, single numbers as such. */
function decided(outputs) {
  const numbers = ([name, data]) => [name, data.length === 1 ? data[0] : [...data]];
  return Object.fromEntries(Object.entries(outputs).map(numbers));
}

/** Return the geometric mean of probabilities, with a sum of 1; a single one as it is. */
export function meanOf(rows) {
  if (rows.length === 1) return rows[0];
  const mean = rows[0].map((_, i) => Math.exp(rows.reduce((sum, row) => sum + Math.log(Math.max(row[i], LEAST)), 0) / rows.length));
  const total = sumOf(mean);
  return mean.map((each) => each / total);
}

function sumOf(values) {
  return values.reduce((a, b) => a + b, 0);
}

/**
 * Return the boxes in a photo by kind. `animal`: the probability that it shows one. If that is low, a glance comes first,
 * and is enough if it shows nothing, or people or vehicles without an animal. `least`: lowest score of a box.
 */
async function detect(photo, { detectors, detector, most }, run, animal, least = detector.SCORE) {
  const { name, size, classes } = detectors.find((each) => !each.camera_traps);
  const rule = { classes, most, ...detector, SCORE: least };
  const lookAt = async (longest) => {
    const { pixels, rows, columns, ...inBox } = letterBox(photo, Math.min(longest, size), detector.STEP);
    return [await run(`${name}.onnx`, { image: { data: pixels, dims: [1, rows, columns, 3] } }), inBox];
  };
  if (animal >= detector.SHOWN) return found(...(await lookAt(detector.QUICK)), rule);
  const glance = await lookAt(detector.GLANCE);
  const highest = highestOf(glance[0], classes);
  const hinted = Object.keys(highest).filter((kind) => highest[kind] >= detector.HINT).join();
  const surest = Math.max(...Object.values(highest));
  if (!hinted || (highest.animal < detector.HINT && surest >= detector.SURE_GLANCE)) return found(...glance, rule);
  return found(...(await lookAt(hinted === "person" ? detector.QUICK : size)), rule);
}

function imageOf({ pixels }, size) {
  return { data: pixels, dims: [1, size, size, 3] };
}

function flat(values) {
  const data = Float64Array.from(values);
  return { data, dims: [data.length] };
}
