// Read a full plus code, such as 8FW4V75V+8Q (github.com/google/open-location-code). A short one needs a town.

const DIGITS = "23456789CFGHJMPQRVWX";
const CODE = new RegExp(`^[${DIGITS}]{8}\\+(?:[${DIGITS}]{2})?[${DIGITS}]*$`);

/** Return the latitude and the longitude of the middle of the area, or null if the text is no full code. */
export function readPlusCode(text) {
  const code = text.toUpperCase();
  if (!CODE.test(code)) return null;
  const pairs = code.replace("+", "").slice(0, 10).match(/../g); // further digits say less than 14 m
  let [latitude, longitude, size] = [-90, -180, 400];
  for (const [row, column] of pairs) {
    size /= 20;
    latitude += DIGITS.indexOf(row) * size;
    longitude += DIGITS.indexOf(column) * size;
  }
  return [latitude + size / 2, longitude + size / 2];
}
