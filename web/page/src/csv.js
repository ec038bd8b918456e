// Answers as CSV (RFC 4180), for spreadsheets.

import { hereOf } from "./words.js";

const COLUMNS = ["file", "animal", "scientific_name", "rank", "sure", "score", "perhaps", "perhaps_scientific", "lives_here", "subject", "areas", "problem"];

/** @param {{name: string, answer?: object, problem?: string}[]} rows */
export function csvOf(rows) {
  const lines = [COLUMNS, ...rows.map(cells)].map((row) => row.map(quoted).join(","));
  return `\ufeff${lines.join("\r\n")}\r\n`; // with the mark by which spreadsheets know UTF-8
}

function cells({ name, answer, problem }) {
  if (!answer) return [name, ...COLUMNS.slice(2).map(() => ""), problem ?? ""];
  const { prediction, perhaps, subject, location } = answer;
  const { name: animal, scientific_name: scientificName, rank, sure, score } = prediction ?? {};
  const [names, scientificNames] = ["name", "scientific_name"].map((key) => perhaps.map((each) => each[key]).join(" | "));
  const known = [animal, scientificName, rank, sure, score, names, scientificNames, hereOf(answer), subject, location.areas.join(" ")];
  return [name, ...known.map((each) => each ?? ""), ""];
}

/** A cell that begins like a formula gets an apostrophe, so that a spreadsheet does not run it. */
function quoted(value) {
  const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : `${value}`;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
