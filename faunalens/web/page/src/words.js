// Convert the numbers and codes of an answer to words.

import SURE from "../../../../chalicelib/api/sure.json";
import { capital, either, listed, probability, regionName, say } from "./language.js";

const NAMED = 3; // relatives in a sentence
export const NO_ANIMAL = ["person", "vehicle", "none"]; // subjects of photos without one

/** Return the word for how sure an answer is, by the API's. */
export function sureInWords(sure) {
  return say(`sure.${sure}`) || SURE.find(({ word }) => word === sure)?.english || sure; // sure.json has the English words
}

/** Return how sure a prediction is, in a word and a number. */
export function sureInText({ sure, score }) {
  return say("guess", { name: sureInWords(sure), sure: probability(score) });
}

/** Return the prediction if it may be shown as a name: not for a photo that shows no animal. */
export function namedIn({ prediction, subject }) {
  return NO_ANIMAL.includes(subject) ? null : prediction;
}

/** Return what the API knows about whether the predicted animal lives at the location; undefined if that is nothing. */
export function hereOf({ prediction, candidates }) {
  return candidates.find((each) => each.scientific_name === prediction?.scientific_name)?.here;
}

/**
 * Return a headline in parts: `lead`, what comes before the name, mostly how sure it is; `sure`, how sure it is, if the lead
 * does not say that; `title`, the name; `members`, the likeliest animals of a group; `perhaps`, what the animal may be.
 * @param {(taxon: object) => string} called  returns how a taxon is named
 */
export function headline(answer, called = ({ name }) => name) {
  const prediction = namedIn(answer);
  const perhaps = either(answer.perhaps.map(called));
  if (!prediction) return { lead: "", sure: "", title: subjectInWords(answer.subject), members: "", perhaps };
  const { scientific_name: scientificName, members } = prediction;
  const sure = sureInWords(prediction.sure);
  const areBreeds = members.some((each) => each.scientific_name === scientificName);
  const names = either(members.map(({ name }) => name));
  const title = areBreeds ? say("headline.breed", { name: called(prediction), breed: names }) : called(prediction);
  const parts = { members: areBreeds ? "" : names, perhaps };
  if (perhaps) return { lead: "", sure, title: capital(title), ...parts };
  if (hereOf(answer) === "unexpected") return { lead: say("headline.unexpected"), sure, title, ...parts };
  return { lead: capital(say("headline", { sure })), sure: "", title, ...parts };
}

/** Return the name that an answer is shown with, and what that includes. */
export function titleOf(answer, called) {
  const { title, members, perhaps } = headline(answer, called);
  const name = members ? say("headline.members", { name: title, members }) : title;
  return perhaps ? say("headline.perhaps", { name, perhaps }) : name;
}

/** Return an answer as a sentence without its full stop. A list has no calibrated number. */
export function sentenceOf(answer, called) {
  const { lead, sure, perhaps } = headline(answer, called);
  const { prediction } = answer;
  const name = `${lead}${titleOf(answer, called)}`;
  if (!namedIn(answer) || perhaps) return name;
  return say("guess", { name, sure: sure ? sureInText(prediction) : probability(prediction.score) });
}

/** Return an answer as text to paste somewhere. `address`: that of its result, or empty. */
export function answerInText(answer, address) {
  const inFull = ({ name, scientific_name: scientificName }) => (name === scientificName ? name : `${name} (${scientificName})`);
  const place = whereabouts(answer.location, answer.features);
  const lines = [sentenceOf(answer, inFull), reasonInWords(answer), place, address ? `Faunalens: ${address}` : "Faunalens"];
  return lines.filter(Boolean).join("\n");
}

/** What the word for how sure an answer is means: of 100 such answers, how many are right. */
export function sureMeans(sure) {
  const row = SURE.findIndex(({ word }) => word === sure);
  const isLast = row === SURE.length - 1;
  const right = Math.round(100 * (SURE[isLast ? row - 1 : row]?.right ?? 0));
  return say(isLast ? "sure.less" : "sure.means", { sure: sureInWords(sure), right });
}

/** Return whether an animal lives at the location; empty if there is nothing to say (null). */
export function hereInWords(here) {
  return say(`here.${here}`) || (here ?? "");
}

/** Return what a photo without a name shows. */
export function subjectInWords(subject) {
  return say(`subject.${subject}`) || say("subject.unclear");
}

/** Return a taxon's rank, or nothing for a species, a rank that contradicts the scientific name, and one that only experts know. */
export function rankInWords({ rank, scientific_name: scientificName }) {
  const ofSpecies = scientificName.includes(" ");
  if (ofSpecies ? rank !== "breed" : ["breed", "species"].includes(rank)) return "";
  return say(`rank.${rank}`);
}

/** Return a sentence on why an answer is wide or missing; empty if nothing is known of it. */
export function reasonInWords({ reasons = [], why_not: sentence }) {
  const canBeMended = !reasons.includes("night_camera") && reasons.some((reason) => /^(animal|photo)_/.test(reason));
  const side = reasons.includes("unlike") && !reasons.includes("night_camera") ? say("reason.side") : "";
  const advice = canBeMended ? say(reasons.some((reason) => reason.endsWith("_small")) ? "reason.closer" : "reason.better") : "";
  const said = [...reasons.map((reason) => say(`reason.${reason}`)), advice || side].filter(Boolean).join(" ");
  return said || (sentence ?? "");
}

/** Return the name of a group of animals, such as "birds". */
export function groupName(group) {
  return say(`group.${group}`) || group;
}

/** Return a sentence on the models that looked at a photo. */
export function modelsInWords({ packs = [] }) {
  const names = packs.map(({ name }) => say("models.pack", { group: groupName(name) }));
  return names.length ? say("models.packs", { packs: listed(names) }) : say("models");
}

/** Return what one of several photos shows by itself. */
export function guessInWords({ prediction, agrees }) {
  const guess = prediction ? say("guess", { name: prediction.name, sure: sureInWords(prediction.sure) }) : say("guess.none");
  return agrees ? guess : say("guess.disagrees", { guess });
}

/** Return a sentence on photos that do not agree with the answer, or nothing if all do. */
export function disagreement(photos) {
  const numbers = photos.flatMap(({ agrees }, i) => (agrees ? [] : [`${i + 1}`]));
  return numbers.length ? say("disagreement", { count: numbers.length, photos: listed(numbers) }) : "";
}

/** Return how many animals the detector found. */
export function countOfAnimals(count) {
  return count ? say("every", { count }) : say("every.none");
}

/** Return a sentence on the people and vehicles in a photo, or nothing. */
export function alsoSeen(people, vehicles) {
  const seen = [people && say("also.people", { count: people }), vehicles && say("also.vehicles", { count: vehicles })];
  const what = seen.filter(Boolean);
  return what.length ? say(people ? "also.share" : "also", { what: listed(what) }) : "";
}

/** Return a sentence on the packs of a deployment. */
export function packsInWords(packs) {
  const names = packs.map(({ name }) => name).filter((name) => name !== "detector");
  return names.length ? say("packs", { count: names.length, groups: listed(names.map(groupName)) }) : say("packs.none");
}

/** Format coordinates: [-33.1, 150.9] → "33.1° S, 150.9° E". */
function position([latitude, longitude]) {
  return say("position", {
    latitude: say(latitude < 0 ? "south" : "north", { degrees: Math.abs(latitude) }),
    longitude: say(longitude < 0 ? "west" : "east", { degrees: Math.abs(longitude) }),
  });
}

/** Return a sentence that says how the location affected the answer. */
export function narrowing({ mode, animals }) {
  return mode === "narrowed" && animals === 0 ? say("residents.none") : say(`narrowing.${mode}`, { count: animals });
}

/** Describe a list of animals of a location. An empty one has reasons. */
export function residents(count, mode) {
  if (mode === "degraded") return say("residents.not-now");
  if (mode === "unknown_area") return say("residents.unknown");
  return count ? say("residents", { count }) : say("residents.none");
}

/** Describe the location of an answer. */
export function whereabouts({ source, center, areas: codes }, { mode, cache }) {
  if (!center) return "";
  const unnamed = { narrowed: cache === "device" ? "where.not-now" : "where.sea", degraded: "where.not-now" }[mode] ?? "where.sea-or-far";
  const areas = codes.length ? listed(codes.map(regionName)) : say(unnamed);
  return say("where", { position: position(center), areas, source: say(`where.${source}`) });
}

/** Return the place of an answer in a few words; empty without one. */
export function placeInWords({ center, areas }) {
  if (!center) return "";
  return areas.length ? listed(areas.map(regionName)) : position(center);
}

/** Return the sentence on close relatives that live there: some of their names, and whether there are more. */
export function relativesInWords(count, taxa) {
  const names = taxa.slice(0, NAMED).map(({ name }) => name);
  return say("relatives", { count, names: count > NAMED ? `${names.join(", ")} …` : listed(names) });
}
