// Read a location from what people paste: decimal degrees, degrees with minutes and seconds, and links of map sites.

const NUMBER = String.raw`([+-]?\d+(?:\.\d+)?)`;
const PAIR = String.raw`${NUMBER}(?:,|~|\s)[+\s]*${NUMBER}`;
const LINKS = [
  `!3d${NUMBER}!4d${NUMBER}`, // Google Maps, the pin; more exact than the view
  `[?&#](?:q|query|ll|sll|center|destination|daddr|coordinate|cp)=(?:loc:)?${PAIR}`, // Google, Apple, Bing, Waze
  `[?&#]m?lat=${NUMBER}.*?[?&#]m?(?:lon|lng)=${NUMBER}`, // OpenStreetMap, the marker
  `#(?:map=)?[\\d.]+/${NUMBER}/${NUMBER}`, // OpenStreetMap, the view
  `@${PAIR}`, // Google Maps, the view
  `^geo:${PAIR}`, // RFC 5870
  `/${PAIR}`, // Google Maps, a search
].map((pattern) => new RegExp(pattern, "i"));

/**
 * Return {latitude, longitude} in decimal degrees, or null if the text is no location.
 * @param {string} text  such as "48.8584, 2.2945", "48°51′N 2°17′E" or a link
 */
export function readCoordinates(text) {
  const plain = decode(text).replace(/[−–]/g, "-").trim();
  const pair = /^geo:|:\/\/|^\w+\.\w+.*\//.test(plain) ? readLink(plain) : readText(plain);
  if (!pair) return null;
  const [latitude, longitude] = pair;
  return Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180 ? { latitude, longitude } : null;
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a % that encodes nothing
  }
}

function readLink(link) {
  const [, ...pair] = LINKS.map((pattern) => pattern.exec(link)).find(Boolean) ?? [];
  if (!pair.length) return null;
  const isReversed = /^\w+:\/\/[^/]*\byandex\./i.test(link) && /[?&]ll=/.test(link);
  return isReversed ? pair.map(Number).reverse() : pair.map(Number);
}

/** Return the latitude and the longitude in a text, or null. Letters of hemispheres stand before or after the numbers. */
function readText(text) {
  const words = withPoints(text.replace(/lat(itude)?|lon(gitude)?|lng|deg(rees)?/gi, " "))
    .toUpperCase()
    .replace(/[°º˚′’'″”"“:;=()[\]]/g, " ");
  const tokens = words.match(/[+-]?\d+(?:\.\d+)?|\S/g) ?? [];
  const letters = tokens.filter((token) => /[NSEW]/.test(token));
  const numbers = tokens.filter((token) => /\d/.test(token));
  if (letters.length + numbers.length !== tokens.length || ![0, 2].includes(letters.length)) return null;
  if (!letters.length && numbers.length % 2) return null;
  const first = letters.length ? firstGroup(tokens) : numbers.length / 2;
  const values = [numbers.slice(0, first), numbers.slice(first)].map(degrees);
  if (!letters.length) return values.some(Number.isNaN) ? null : values;
  const signed = values.map((value, i) => ("SW".includes(letters[i]) ? -Math.abs(value) : value));
  const isLatitude = letters.map((letter) => "NS".includes(letter));
  if (signed.some(Number.isNaN) || isLatitude[0] === isLatitude[1]) return null;
  return isLatitude[0] ? signed : signed.reverse();
}

/** Turn decimal commas into points, and commas between numbers into spaces. */
function withPoints(text) {
  const hasDecimalCommas = !text.includes(".") && /\d,\d+\D*[\s;,]\D*\d+,\d/.test(text);
  return (hasDecimalCommas ? text.replace(/(\d),(?=\d)/g, "$1.") : text).replaceAll(",", " ");
}

/** Return how many numbers belong to the first of two letters. */
function firstGroup(tokens) {
  const isLetter = (token) => /[NSEW]/.test(token);
  return isLetter(tokens[0]) ? tokens.findLastIndex(isLetter) - 1 : tokens.findIndex(isLetter);
}

/** Return degrees from texts of degrees, minutes and seconds, or NaN. */
function degrees(parts) {
  const [whole, ...rest] = parts.map(Number);
  if (parts.length < 1 || parts.length > 3) return NaN;
  if (rest.some((part) => part < 0 || part >= 60)) return NaN;
  const [minutes = 0, seconds = 0] = rest;
  return (parts[0].startsWith("-") ? -1 : 1) * (Math.abs(whole) + minutes / 60 + seconds / 3600);
}
