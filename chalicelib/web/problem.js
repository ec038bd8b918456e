// What each error means to the person with the photo: what happened, and what to do.

const AGAIN = ["upload_missing", "too_many_requests", "internal", "unavailable", "timeout", "offline", "not_understood"];

const SENTENCES = {
  photo_too_large: ["This photo is too large", "Send a smaller copy of it, or a screenshot of it."],
  unsupported_media_type: ["This is not a photo we can read", "Choose a JPEG, PNG, WebP, HEIC or TIFF picture."],
  upload_missing: ["The photo did not arrive", "Try again: it is then sent anew."],
  photo_unreadable: ["This photo is damaged", "It may not have been copied whole. Choose it again, or another one."],
  location_missing: [
    "Where was it taken?",
    "The photo does not say; phones often leave the place out. It helps to tell look-alikes apart.",
  ],
  location_invalid: ["That is no place on Earth", "Choose the place on the map, or go on without one."],
  too_many_requests: ["Too many photos at once", "Wait a moment, then try again."],
  unavailable: ["Just a moment", "A part of the service is waking up or away. Try again shortly."],
  internal: ["Something went wrong on our side", "It is not your photo's fault. Try again; if it stays, try later."],
  timeout: ["That took too long", "The service may be waking up. Try again."],
  offline: ["No connection", "The service could not be reached. Check your connection, then try again."],
};
const OTHER = ["That did not work", "Try again, or try another photo."];

/** A problem for people: heading, advice, the API's own words (`detail`), whether to try `again` or ask the `place`. */
export function explain({ code, detail, retryAfter }) {
  const [heading, advice] = SENTENCES[code] ?? OTHER;
  const seconds = Number(retryAfter);
  return {
    heading,
    advice: seconds > 0 ? `${advice} About ${seconds} seconds should do.` : advice,
    detail: code === "location_missing" ? "" : detail,
    again: AGAIN.includes(code) || !(code in SENTENCES),
    place: code === "location_missing" || code === "location_invalid",
  };
}
