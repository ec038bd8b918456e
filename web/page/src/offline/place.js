// A place without signal: its cell, and what lives there by the ranges on this device.

import { cellToLatLng, latLngToCell } from "h3-js";

const RESOLUTION = 3; // of the cells, about 110 km across

/** Return what the rule and the answer need of a place. `where`: {latitude, longitude}, or null for none. */
export function placeOf(where, ranges, table) {
  const numbers = table.animals.id.length;
  const nowhere = {
    cell: null,
    center: null,
    areas: [],
    mode: "no_location",
    animals: 0,
    version: null,
    living: [],
    narrowed: false,
    weights: new Float32Array(numbers).fill(1),
    relatives: new Float32Array(table.numbers),
    here: () => null,
  };
  if (!where) return nowhere;
  const cell = latLngToCell(where.latitude, where.longitude, RESOLUTION);
  const center = cellToLatLng(cell).map((degrees) => Math.round(degrees * 10) / 10);
  return { ...nowhere, cell, center, mode: "unknown_area" };
}
