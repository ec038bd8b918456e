// Whole numbers as Google's encoded polylines store them: five bits a character, the lowest first, after the sign as the
// lowest bit (developers.google.com/maps/documentation/utilities/polylinealgorithm).

/** Return the whole numbers in a text. */
export function decode(text) {
  const numbers = [];
  let [number, shift] = [0, 0];
  for (const character of text) {
    const bits = character.charCodeAt(0) - 63;
    number |= (bits & 31) << shift;
    shift += 5;
    if (bits & 32) continue; // the number goes on in the next character
    numbers.push(number & 1 ? ~(number >> 1) : number >> 1);
    [number, shift] = [0, 0];
  }
  return numbers;
}
