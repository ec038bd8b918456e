// A failure, and what the page says of it: what happened, and what to do.

import { say, sentenceEnd } from "./language.js";

/** A failure. `code`: from the API's problem details, or a further one that the page has words for. */
export class Problem extends Error {
  constructor(code, detail = "", retryAfter = null) {
    super(detail || code);
    Object.assign(this, { name: "Problem", code, detail, retryAfter });
  }
}

/** The API's details of a photo, which are in English, and the keys of the page's words for them, with their values in order. */
const DETAILS = [
  [/^photo is ([\d.]+) MB, at most ([\d.]+) MB/, "detail.bytes"],
  [/^photo is ([\d.]+) MP, at most ([\d.]+) MP/, "detail.pixels"],
  [/ larger than ([\d.]+) MB| photo of at most ([\d.]+) MB/, "detail.limit"],
  [/ takes ([\d.]+) MB of memory, but at most ([\d.]+) MB/, "detail.memory"],
  [/ takes more than ([\d.]+) s to decode/, "detail.slow"],
  [/^the photo is empty/, "detail.empty"],
  [/^this server does not read ([\w/ ]+);/, "detail.format"],
  [/ is damaged or cut short | has an invalid header /, "detail.damaged"],
  [/ photo has (?:more than|a list of) /, "detail.odd"],
  [/^the file is not a photo in a supported format/, "detail.unknown"],
];

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

/** Return a problem as one text. It does not promise to go on once there is a network: only an identification does. */
export function inWords({ code, ...problem }) {
  const { heading, advice } = explain({ ...problem, code: code === "offline" ? "unreachable" : code });
  return [heading, advice].join(sentenceEnd);
}

/** Explain a problem. `again`: whether to offer a retry. `place`: whether to ask for the location. `isEnglish`: the detail. */
export function explain({ code, detail, retryAfter }) {
  const known = say(`problem.${code}`) ? code : "other";
  const advice = say(`problem.${known}.advice`);
  const seconds = Number(retryAfter);
  return {
    heading: say(`problem.${known}`),
    advice: seconds > 0 ? say("problem.wait", { advice, count: seconds }) : advice,
    ...(code === "location_missing" ? { detail: "", isEnglish: false } : detailInWords(detail)),
    again: RETRYABLE.includes(code) || known === "other",
    place: code === "location_missing" || code === "location_invalid",
  };
}

/** Return a detail of the API in the language of the page, if the page has words for it. */
function detailInWords(detail) {
  const [, number, reason] = /^(?:photo (\d+) of \d+: )?(.*)/.exec(detail);
  for (const [pattern, key] of DETAILS) {
    const found = pattern.exec(reason);
    if (!found) continue;
    const [a, b] = found.slice(1).filter(Boolean).map((value) => Number(value) || value);
    const words = say(key, { a, b });
    return { detail: number ? `${words} (${say("photo", { number })})` : words, isEnglish: false };
  }
  return { detail, isEnglish: true };
}
