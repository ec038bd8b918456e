// A failure, and what the page says of it: what happened, and what to do.

/** A failure. `code`: from the API's problem details, or a further one of `MESSAGES` or `not_understood`. */
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

const MESSAGES = {
  photo_too_large: ["This photo is too large", "Send a smaller copy or a screenshot of the photo."],
  unsupported_media_type: ["This is not a photo we can read", "Choose a JPEG, PNG, WebP, HEIC or TIFF photo."],
  upload_missing: ["The photo did not arrive", "Try again to upload the photo again."],
  photo_unreadable: ["This photo is damaged", "The file may be incomplete. Choose it again, or choose another photo."],
  location_missing: ["Where was it taken?", "The place helps to tell similar animals apart."],
  location_invalid: ["This place is not valid", "Choose it on the map, or continue without the place."],
  too_many_requests: ["Too many photos at once", "Wait a moment, then try again."],
  api_key_invalid: ["This page is out of date", "Reload the page, then choose the photo again."],
  forbidden: ["This was not let through", "A firewall stopped the request. Try another network."],
  unavailable: ["Temporarily unavailable", "Part of the service is starting up or unavailable. Try again shortly."],
  internal: ["Something went wrong on our side", "Your photo is fine. Try again now, or later."],
  timeout: ["That took too long", "The service may be starting up. Try again."],
  request_timeout: ["Sending took too long", "The connection is slow. Try again, or send a smaller copy of the photo."],
  link: ["This is a link, not a photo", "Save the picture first, then choose the file."],
  cancelled: ["Cancelled", "The photo was not identified."],
  offline: ["You are offline", "The photo is sent as soon as you are online again."],
  unreachable: ["No connection", "The service cannot be reached. Check your connection, then try again."],
};
const OTHER = ["That did not work", "Try again, or try another photo."];

/** Explain a problem. `again`: whether to offer a retry. `place`: whether to ask for the location. */
export function explain({ code, detail, retryAfter }) {
  const [heading, advice] = MESSAGES[code] ?? OTHER;
  const seconds = Number(retryAfter);
  return {
    heading,
    advice: seconds > 0 ? `${advice} Wait about ${seconds} seconds.` : advice,
    detail: code === "location_missing" ? "" : detail,
    again: RETRYABLE.includes(code) || !(code in MESSAGES),
    place: code === "location_missing" || code === "location_invalid",
  };
}
