// Read a location from what people paste: degrees in the usual forms, plus codes, and links of map sites.

import { readPlusCode } from "./plus_code.js";

const NUMBER = String.raw`([+-]?\d+(?:\.\d+)?)`;
const PAIR = String.raw`${NUMBER}(?:,|~|_|\s)[+\s]*${NUMBER}`;
const LINKS = [
  `!3d${NUMBER}!4d${NUMBER}`, // Google Maps, the pin; more exact than the view
  `[?&#](?:q|query|ll|sll|center|destination|daddr|coordinate|cp|map|pt|position)=(?:loc:|point\\.)?${PAIR}`, // most sites
  `[?&]sp=point\\.${PAIR}`, // Bing, the pin
  `[?&#]m?lat=${NUMBER}.*?[?&#]m?(?:lon|lng)=${NUMBER}`, // OpenStreetMap, the marker
  `[?&]x=${NUMBER}&y=${NUMBER}`, // Mapy.com
  `#(?:map=)?[\\d.]+/${NUMBER}/${NUMBER}`, // OpenStreetMap, the view
  `@${PAIR}`, // Google Maps, the view
  `^geo:${PAIR}`, // RFC 5870
  `/${PAIR}`, // Google Maps, a search
].map((pattern) => new RegExp(pattern, "i"));
const LONGITUDE_FIRST = /^\w+:\/\/[^/]*\b(?:yandex\..*[?&](?:ll|pt)|amap\..*[?&]position|mapy\..*[?&]x)=/i;

// Longest first: "ouest" contains "est".
const DIRECTIONS = {
  W: /ouest|oeste|ovest|west|西[经經経]/gi,
  E: /oost|este|leste|east|ost|est|东经|東[經経]/gi,
  N: /north|norte|noord|nord|北[纬緯]/gi,
  S: /south|zuid|süd|sud|sur|sul|南[纬緯]/gi,
};
const LATITUDE = /lat(?:itud[eo]?|itudine)?\b|breite(?:ngrad)?/gi;
const LONGITUDE = /lon(?:g|gitud[eo]?|gitudine)?\b|lng\b|länge(?:ngrad)?/gi;
const HEIGHT_OR_ZOOM = /(\d.*\d)[,\s]+[\d.]+\s?(?:m|z)$/i;

/**
 * Return {latitude, longitude} in decimal degrees, or null if the text is no location.
 * @param {string} text  such as "48.8584, 2.2945", "48°51′N 2°17′E", "8FW4V75V+8Q" or a link
 * @param {string} language  of the reader: O is east in German and Dutch (Ost), and west elsewhere (Ouest, Oeste)
 */
export function readCoordinates(text, language = "") {
  const plain = decode(text)
    .replace(/[！-～]/g, (wide) => String.fromCharCode(wide.charCodeAt(0) - 0xfee0)) // of Chinese and Japanese keyboards
    .replace(/[−–]/g, "-")
    .trim();
  const isLink = /^geo:|:\/\/|^[a-z]\w*\.\w+.*\//i.test(plain);
  const pair = isLink ? readLink(plain) : (readPlusCode(plain) ?? readText(plain, language));
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
  return LONGITUDE_FIRST.test(link) ? pair.map(Number).reverse() : pair.map(Number);
}

/** Return the latitude and the longitude in a text, or null. Letters of hemispheres stand before or after the numbers. */
function readText(text, language) {
  const isReversed = text.search(LONGITUDE) < text.search(LATITUDE) && text.search(LONGITUDE) >= 0;
  const words = withPoints(withLetters(text, language).replace(HEIGHT_OR_ZOOM, "$1"))
    .replace(/[°º˚′’'″”"“:;=&/()[\]度分秒]|deg(rees)?/gi, " ")
    .replace(/(\d)(?=[+-]\d)/g, "$1 "); // ISO 6709 has no space between: +48.8584-002.2945/
  const tokens = words.match(/[+-]?\d+(?:\.\d+)?|\S/g) ?? [];
  const letters = tokens.filter((token) => /[NSEW]/.test(token));
  const numbers = tokens.filter((token) => /\d/.test(token));
  if (letters.length + numbers.length !== tokens.length || ![0, 2].includes(letters.length)) return null;
  if (!letters.length && numbers.length % 2) return null;
  const first = letters.length ? firstGroup(tokens) : numbers.length / 2;
  const values = [numbers.slice(0, first), numbers.slice(first)].map(degrees);
  if (values.some(Number.isNaN)) return null;
  if (!letters.length) return isReversed || Math.abs(values[0]) > 90 ? values.reverse() : values; // no latitude is above 90
  const signed = values.map((value, i) => ("SW".includes(letters[i]) ? -Math.abs(value) : value));
  const isLatitude = letters.map((letter) => "NS".includes(letter));
  if (isLatitude[0] === isLatitude[1]) return null;
  return isLatitude[0] ? signed : signed.reverse();
}

/** Replace the words for directions by N, S, E and W, and remove those for latitude and longitude. */
function withLetters(text, language) {
  let plain = text.replace(LATITUDE, " ").replace(LONGITUDE, " ");
  for (const [letter, word] of Object.entries(DIRECTIONS)) plain = plain.replace(word, ` ${letter} `);
  return plain.toUpperCase().replace(/(?<!\p{L})O(?!\p{L})/gu, /^(de|nl)/.test(language) ? "E" : "W");
}

/** Turn decimal commas into points, and commas between numbers into spaces. */
function withPoints(text) {
  const hasDecimalCommas = !text.includes(".") && /\d,\d+\D*[\s;,/]\D*\d+,\d|^-?\d+,\d+,-?\d+,\d+$/.test(text);
  return (hasDecimalCommas ? text.replace(/(\d),(?=\d)(\d+)/g, "$1.$2") : text).replaceAll(",", " ");
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
