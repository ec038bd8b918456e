// A failure, and what the page says of it: what happened, and what to do.

import { say } from "./language.js";

/** A failure. `code`: from the API's problem details, or a further one that the page has words for. */
export class Problem extends Error {
  constructor(code, detail = "", retryAfter = null) {
    super(detail || code);
    Object.assign(this, { name: "Problem", code, detail, retryAfter });
  }
}

const RETRYABLE = [
  "upload_missing",
  "too_many_requests",
  "internal",
  "unavailable",
  "timeout",
  "request_timeout",
  "unreachable",
  "offline",
  "not_understood",
  "cancelled",
];

/** Return a problem as one text. */
export function inWords(problem) {
  const { heading, advice } = explain(problem);
  return `${heading}. ${advice}`;
}

/** Explain a problem. `again`: whether to offer a retry. `place`: whether to ask for the location. */
export function explain({ code, detail, retryAfter }) {
  const known = say(`problem.${code}`) ? code : "other";
  const advice = say(`problem.${known}.advice`);
  const seconds = Number(retryAfter);
  return {
    heading: say(`problem.${known}`),
    advice: seconds > 0 ? say("problem.wait", { advice, count: seconds }) : advice,
    detail: code === "location_missing" ? "" : detail,
    again: RETRYABLE.includes(code) || known === "other",
    place: code === "location_missing" || code === "location_invalid",
  };
}
