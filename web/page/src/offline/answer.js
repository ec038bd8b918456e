// The answer of this device, as the API gives it (chalicelib/api/answers.py), from what the rule says of a photo. Pure.

import SURE from "../../../../chalicelib/api/sure.json";
import { areaOf } from "./detections.js";
import { measures } from "./picture.js";

const TOP = 5; // candidates
const LEAST_SHOWN = 0.01; // score of a candidate
const MOST_RELATIVES = 10;
const SMALL_SHARE = 0.05; // of the photo's area, below which an animal is small
const MEMBERS = 3; // of the prediction, and of each taxon that it perhaps is

/**
 * Return the answer.
 * @param {{said: object, packs: string[], boxes: object | null, seen: object}} found  by recognise.js
 * @param {object} place  by place.js
 * @param {{table: object, side: number, milliseconds: number}} more  `side`: the photo's shorter one
 */
export function answerOf({ said, packs, boxes, seen }, place, { table, side, milliseconds }) {
  const quality = qualityOf(seen, side, table.quality);
  const members = (row, from) => membersOf(row, said.members.slice(from * MEMBERS, (from + 1) * MEMBERS), place, table);
  const taxa = said.perhaps.filter(isSaid).map((row, i) => ({
    ...taxonOf(row, table),
    score: rounded(said.perhaps_scores[i]),
    members: members(row, i + 1),
  }));
  const subject = table.subjects[said.subject];
  const prediction = isSaid(said.taxon) ? predicted(said, place, table, members(said.taxon, 0)) : null;
  return {
    prediction,
    perhaps: taxa,
    candidates: candidatesOf(said, place, table),
    animal_probability: rounded(said.animal),
    subject,
    photo_quality: quality,
    why_not: null,
    reasons: reasonsOf({ subject, said, quality, largest: boxes?.animal[0], wide: table.second_look.wide, most: table.quality }),
    animals: null,
    people: null,
    vehicles: null,
    location: { source: place.cell ? "request" : "none", cell: place.cell, center: place.center, areas: place.areas },
    features: { mode: place.mode, cache: "device", animals: place.animals, version: place.version, month: null },
    model: { ...table.model, packs: packs.map((name) => table.packs.find((each) => each.name === name)) },
    timings_ms: { total: milliseconds },
    request_id: "",
    photos: [],
  };
}

function isSaid(row) {
  return row >= 0;
}

function taxonOf(row, { taxa }) {
  const [name, scientificName, rank, , taxon] = taxa[row];
  return { taxon, name, scientific_name: scientificName, rank };
}

/** Return the scientific names of a taxon and of those that contain it, by rank. */
function lineageOf(row, { taxa }) {
  const names = {};
  for (let at = row; isSaid(at); at = taxa[at][3]) names[taxa[at][2]] ??= taxa[at][1];
  return names;
}

/** Return the likeliest animals of a taxon, and those of it that live at the place and that no model knows. */
function membersOf(row, likeliest, place, table) {
  const taxon = taxonOf(row, table);
  const known = likeliest.filter(isSaid).map((each) => taxonOf(each, table));
  const isWide = place.narrowed && ["family", "genus"].includes(taxon.rank);
  const others = (isWide ? relativesOf(row, place, table) : [])
    .filter(([, name, scientificName, genus]) => name !== scientificName && (taxon.rank === "family" || genus === taxon.scientific_name))
    .map(([id, name, scientificName]) => ({ taxon: id, name, scientific_name: scientificName }));
  return [...known.filter(({ name }) => name !== taxon.name), ...others].slice(0, MEMBERS).map(({ rank: _, ...member }) => member);
}

function predicted({ taxon: row, score: exact }, place, table, members) {
  const { taxon: _, ...named } = taxonOf(row, table);
  const score = rounded(exact);
  const relatives = relativesOf(row, place, table);
  const some = relatives.slice(0, MOST_RELATIVES).map(([taxon, name, scientificName]) => ({ taxon, name, scientific_name: scientificName }));
  const sure = SURE.find(({ right }) => score >= right).word;
  return { ...named, score, relatives_here: some.length ? { count: relatives.length, taxa: some } : null, sure, members };
}

/** Return close relatives that live at the place and that no model knows: those of the genus, then those of the family. */
function relativesOf(row, { living }, table) {
  const { genus, family } = lineageOf(row, table);
  const found = living.map((number) => table.relatives[number]).filter(Boolean);
  const isOfGenus = (each) => genus !== undefined && each[3] === genus;
  const isOfFamily = (each) => !table.domestic.includes(row) && family !== undefined && each[4] === family;
  return [...found.filter(isOfGenus), ...found.filter((each) => !isOfGenus(each) && isOfFamily(each))];
}

function candidatesOf({ scores, vision_scores: vision }, place, table) {
  const best = [...scores.keys()].sort((a, b) => scores[b] - scores[a] || a - b).slice(0, TOP);
  return best
    .filter((animal) => scores[animal] >= LEAST_SHOWN)
    .map((animal) => {
      const [row] = table.animals[animal];
      return { ...taxonOf(row, table), score: rounded(scores[animal]), vision_score: rounded(vision[animal]), here: place.here(animal) };
    });
}

/** Return what makes an animal hard to recognise. `seen`: what the general model saw first. */
function qualityOf(seen, side, { darkest, softest, greyest }) {
  const { brightness, detail, colour } = measures(seen);
  return { pixels: side, dark: brightness < darkest, soft: detail < softest, infrared: colour < greyest };
}

/** Return why an answer is wide or missing, as chalicelib/api/words.py says. `largest`: the box of the surest animal. */
export function reasonsOf({ subject, said, quality, largest, wide, most }) {
  if (["person", "vehicle"].includes(subject)) return [subject];
  if (subject === "none") return ["no_animal"];
  if (isSaid(said.taxon) && said.level < wide) return [];
  const faults = {
    animal_small: largest && areaOf(largest) < SMALL_SHARE,
    photo_small: quality.pixels < most.fewest_pixels,
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
