// The answer of this device, as the API gives it (chalicelib/api/answers.py), from what the rule says of a photo. Pure.

import { areaOf } from "./detections.js";
import { measures } from "./picture.js";

const TOP = 5; // candidates, as of the API

/**
 * Return the answer.
 * @param {{said: object, packs: string[], boxes: object | null, surest: object?, seen: object, map: Float32Array | null}} found  by recognise.js
 * @param {object} place  by place.js
 * @param {{table: object, side: number, milliseconds: number}} more  `side`: the photo's shorter one
 */
export function answerOf({ said, packs, boxes, surest, seen, map = null }, place, { table, side, milliseconds }) {
  const { LISTED: most } = table.naming;
  const quality = qualityOf(seen, side, table.quality);
  const members = (row, from) => membersOf(row, said.members.slice(from * most, (from + 1) * most), { packs, place, table });
  const taxa = said.perhaps.filter(isSaid).map((row, i) => ({
    ...taxonOf(row, table),
    score: rounded(said.perhaps_scores[i]),
    members: members(row, i + 1),
  }));
  const subject = table.subjects[said.subject];
  const prediction = isSaid(said.taxon) ? predicted(said, members(said.taxon, 0), { packs, place, table }) : null;
  return {
    prediction,
    perhaps: taxa,
    candidates: candidatesOf(said, place, table),
    animal_probability: rounded(said.animal),
    subject,
    photo_quality: quality,
    why_not: null,
    reasons: reasonsOf({ subject, said, quality, surest }, table),
    animals: null,
    people: null,
    vehicles: null,
    location: { source: place.cell ? "request" : "none", cell: place.cell, center: place.center, areas: place.areas },
    features: { mode: place.mode, cache: "device", animals: place.animals, version: place.version, month: null },
    model: { ...versionOf(table.general), packs: table.packs.filter(({ name }) => packs.includes(name)).map(versionOf) },
    timings_ms: { total: milliseconds },
    request_id: "",
    photos: [],
    focus: boxes?.animal.length ? boxOf(boxes.animal[0]) : null,
    class_map: map && classMapOf(map, table.general.crop),
  };
}

/** Return where the general model saw the animal: rows of squares, each with a share of the largest; null if nowhere. */
export function classMapOf(map, share) {
  const most = map.reduce((largest, value) => Math.max(largest, value), 0);
  if (!most) return null;
  const side = Math.sqrt(map.length);
  const row = (i) => Array.from(map.slice(i * side, (i + 1) * side), (value) => Math.round((Math.max(value, 0) / most) * 100) / 100);
  return { share, rows: Array.from({ length: side }, (_, i) => row(i)) };
}

function boxOf({ left, top, right, bottom, score }) {
  return { x: left, y: top, width: right - left, height: bottom - top, score };
}

function isSaid(row) {
  return row >= 0;
}

function versionOf({ name, version }) {
  return { name, version };
}

function taxonOf(row, { taxa }) {
  return { taxon: taxa.id[row], name: taxa.name[row], scientific_name: taxa.scientific_name[row], rank: taxa.rank[row] };
}

/** Return the scientific names of a taxon and of those that contain it, by rank. */
function lineageOf(row, { taxa }) {
  const names = {};
  for (let at = row; isSaid(at); at = taxa.parent[at]) names[taxa.rank[at]] ??= taxa.scientific_name[at];
  return names;
}

/** Return the likeliest animals of a taxon, and those of it that live at the place and that no model knows. */
function membersOf(row, likeliest, here) {
  const taxon = taxonOf(row, here.table);
  const known = likeliest.filter(isSaid).map((each) => taxonOf(each, here.table));
  const isWide = here.place.narrowed && ["family", "genus"].includes(taxon.rank);
  const others = (isWide ? relativesOf(row, here) : [])
    .filter(({ name, scientific_name: scientificName }) => name !== scientificName)
    .filter(({ genus }) => taxon.rank === "family" || genus === taxon.scientific_name);
  return [...known.filter(({ name }) => name !== taxon.name), ...others].slice(0, here.table.naming.LISTED).map(asMember);
}

function asMember({ taxon, name, scientific_name: scientificName }) {
  return { taxon, name, scientific_name: scientificName };
}

function predicted({ taxon: row, score: exact }, members, here) {
  const { taxon: _, ...named } = taxonOf(row, here.table);
  const score = rounded(exact);
  const relatives = relativesOf(row, here);
  const some = relatives.slice(0, here.table.answers.MOST_RELATIVES).map(asMember);
  const sure = here.table.sure.find(({ right }) => score >= right).word;
  return { ...named, score, relatives_here: some.length ? { count: relatives.length, taxa: some } : null, sure, members };
}

/**
 * Return close relatives that live at the place and that no model of `packs` knows: those of the genus, then of the family.
 */
function relativesOf(row, { packs, place, table }) {
  const { taxa, relatives } = table;
  const { genus, family } = lineageOf(row, table);
  const isUsed = table.packs.map(({ name }) => packs.includes(name));
  const found = place.living
    .map((number) => relatives.number.indexOf(number))
    .filter((at) => at >= 0 && !relatives.packs[at].some((pack) => isUsed[pack]))
    .map((at) => Object.fromEntries(Object.keys(relatives).map((column) => [column, relatives[column][at]])));
  const ofGenus = found.filter((each) => each.genus === genus);
  const ofFamily = found.filter((each) => each.genus !== genus && each.family === family && !taxa.domestic[row]);
  return [...ofGenus, ...ofFamily];
}

function candidatesOf({ scores, vision_scores: vision }, place, table) {
  const best = [...scores.keys()].sort((a, b) => scores[b] - scores[a] || a - b).slice(0, TOP);
  return best
    .filter((animal) => scores[animal] >= table.answers.LEAST_SHOWN)
    .map((animal) => {
      const row = table.animals.taxon[animal];
      return { ...taxonOf(row, table), score: rounded(scores[animal]), vision_score: rounded(vision[animal]), here: hereOf(animal, place, table), season: null };
    });
}

/** Return whether an animal lives at the place, as chalicelib/model/shares.py says; null if there is nothing to say so. */
function hereOf(animal, { mode, status, unknown }, { animals, here_of_status: names }) {
  if (mode === "narrowed" && status[animal]) return names[status[animal]];
  if (animals.everywhere[animal]) return "everywhere";
  if (mode === "unknown_area" || (mode === "narrowed" && unknown.includes(animal))) return "unknown";
  return mode === "narrowed" ? "unexpected" : null;
}

/** Return what makes an animal hard to recognise. `seen`: what the general model saw first. */
function qualityOf(seen, side, { DARKEST, SOFTEST, GREYEST }) {
  const { brightness, detail, colour } = measures(seen);
  return { pixels: side, dark: brightness < DARKEST, soft: detail < SOFTEST, infrared: colour < GREYEST };
}

/** Return why an answer is wide or missing, as chalicelib/api/words.py says. `surest`: the box of the surest animal. */
export function reasonsOf({ subject, said, quality, surest }, { wide, quality: least, words }) {
  if (["person", "vehicle"].includes(subject)) return [subject];
  if (subject === "none") return ["no_animal"];
  if (isSaid(said.taxon) && said.level < wide) return [];
  const faults = {
    animal_small: surest && areaOf(surest) < words.SMALL_SHARE,
    photo_small: quality.pixels < least.FEWEST_PIXELS,
    photo_dark: quality.dark,
    photo_blurred: quality.soft,
  };
  const found = Object.keys(faults).filter((fault) => faults[fault]);
  if (found.length && !quality.infrared) return found;
  if (said.widened) return ["unknown_relatives"];
  if (quality.infrared) return ["night_camera"];
  if (subject === "unclear") return ["unclear"];
  return said.perhaps.filter(isSaid).length === 1 || isSaid(said.looks_like) ? [] : ["unlike"];
}

function rounded(number) {
  return Math.round(number * 1e4) / 1e4;
}
