// An answer as an observation: what comes into the list once the person shares it, or says something of it.

import { forget, observation, record } from "./results.js";
import { namedIn, placeInWords, sentenceOf, titleOf } from "./words.js";

/** Return the observation of an answer that is not in the list yet. */
function observationOf({ answer, place, date }) {
  const rounded = (degrees) => Number(degrees.toFixed(2)); // about a kilometre
  return {
    id: crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`, // pages without TLS have none
    added: new Date().toISOString(),
    taxon: nameOf(answer),
    answered: sentenceOf(answer),
    said: "",
    date: date ?? "",
    place: place && { latitude: rounded(place.latitude), longitude: rounded(place.longitude) },
    where: placeInWords(answer.location),
    count: 1,
    note: "",
    results: [],
  };
}

function nameOf(answer) {
  const named = namedIn(answer);
  if (!named || answer.perhaps.length) return { name: titleOf(answer), scientific_name: named?.scientific_name ?? "" };
  const { name, english, scientific_name: latin, rank } = named;
  const found = answer.candidates.find((each) => each.scientific_name === latin);
  return { taxon: found?.taxon, name, english, scientific_name: latin, rank };
}

/**
 * Put the observation of an answer into the list, with changes. Return its id, or null if there was no room.
 * @param {{answer: object, place: object | null, date: string, observation: string | null}} current
 */
export function note(current, changes) {
  const changed = { ...(observation(current.observation) ?? observationOf(current)), ...changes };
  return record(changed) ? changed.id : null;
}

/** Take back what was said of the current answer. It leaves the list unless it was shared. Return its id, or null. */
export function takeBack(current) {
  const noted = observation(current.observation);
  if (!noted) return null;
  if (noted.results.length) return record({ ...noted, taxon: nameOf(current.answer), said: "", sent: false }) && noted.id;
  forget(noted.id);
  return null;
}

/** The observation of the current answer got another place: the answer, too, may be another. */
export function move(current) {
  const noted = observation(current.observation);
  if (!noted) return;
  const { taxon, answered, place, where } = observationOf(current);
  record({ ...noted, answered, place, where, taxon: noted.said ? noted.taxon : taxon });
}
