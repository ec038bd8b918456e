// A place without signal: its cell, and what lives there by the ranges on this device. All of it is data, no functions.

import { cellToLatLng, latLngToCell } from "h3-js";
import { livingIn } from "./ranges.js";

const RESOLUTION = 3; // of the cells, about 110 km across

/** Return what the rule and the answer need of a place. `where`: {latitude, longitude}, or null. `ranges`: the bytes. */
export function placeOf(where, ranges, table) {
  if (!where) return placeWith(null, table);
  const cell = latLngToCell(where.latitude, where.longitude, RESOLUTION);
  const center = cellToLatLng(cell).map((degrees) => Math.round(degrees * 10) / 10);
  return { ...placeWith(livingIn(ranges, cell), table), cell, center };
}

/**
 * Return the same of what lives at a place, without its cell.
 * @param {{animals: {id: number, weight: number, status: number}[], unknown: number[], relatives: number[],
 *   areas: string[], version: string} | null} found  null: no place. `unknown`: ids of those whose range nobody knows
 */
export function placeWith(found, { animals, numbers }) {
  const size = animals.id.length;
  const place = { cell: null, center: null, areas: [], mode: "no_location", animals: 0, version: null, living: [] };
  const [weights, status, relatives] = [new Float32Array(size), new Uint8Array(size), new Float32Array(numbers)];
  if (!found) return { ...place, narrowed: false, weights: weights.fill(1), status, relatives };
  const numberOf = new Map(animals.id.map((id, number) => [id, number])); // ranges may have animals that no model knows
  const unknown = found.unknown.map((id) => numberOf.get(id)).filter((number) => number !== undefined);
  for (const { id, weight, status: own } of found.animals) {
    if (numberOf.has(id)) [weights[numberOf.get(id)], status[numberOf.get(id)]] = [weight, own];
  }
  for (const number of unknown) weights[number] = 1;
  for (const number of found.relatives) relatives[number] = 1;
  const narrowed = found.areas.length + found.animals.length > 0;
  return {
    ...place,
    areas: found.areas,
    mode: narrowed ? "narrowed" : "unknown_area",
    animals: found.animals.length,
    version: found.version,
    living: narrowed ? found.relatives : [],
    unknown,
    narrowed,
    weights: narrowed ? weights : weights.fill(1),
    status,
    relatives,
  };
}
