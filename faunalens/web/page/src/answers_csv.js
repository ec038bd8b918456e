// Answers as CSV, for spreadsheets.

import { csv } from "./csv.js";
import { hereOf } from "./words.js";

const COLUMNS = ["file", "animal", "scientific_name", "rank", "sure", "score", "perhaps", "perhaps_scientific", "lives_here", "subject", "areas", "problem"];

/** @param {{name: string, answer?: object, problem?: string}[]} rows */
export function csvOf(rows) {
  return csv([COLUMNS, ...rows.map(cells)]);
}

function cells({ name, answer, problem }) {
  if (!answer) return [name, ...COLUMNS.slice(2).map(() => ""), problem ?? ""];
  const { prediction, perhaps, subject, location } = answer;
  const { name: animal, scientific_name: scientificName, rank, sure, score } = prediction ?? {};
  const [names, scientificNames] = ["name", "scientific_name"].map((key) => perhaps.map((each) => each[key]).join(" | "));
  const known = [animal, scientificName, rank, sure, score, names, scientificNames, hereOf(answer), subject, location.areas.join(" ")];
  return [name, ...known.map((each) => each ?? ""), ""];
}
