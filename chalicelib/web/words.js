// Numbers and codes of an answer as words.

const areaNames = new Intl.DisplayNames([document.documentElement.lang], { type: "region" });
const list = new Intl.ListFormat(document.documentElement.lang, { type: "conjunction" });

export const HERE = {
  native: ["native", "Lives there by nature"],
  introduced: ["introduced", "Was brought there by people and lives there now"],
  everywhere: ["everywhere", "Lives wherever people do"],
  unexpected: ["unexpected", "Is not known to live there"],
};

/** A probability as a percentage that never claims 0 or 100 */
export function percent(share) {
  if (share >= 0.995) return "> 99 %";
  if (share < 0.01) return "< 1 %";
  return `${Math.round(share * 100)} %`;
}

/** A calibrated probability as a word. */
export function sureness(share) {
  if (share >= 0.95) return "very sure";
  if (share >= 0.85) return "sure";
  if (share >= 0.7) return "fairly sure";
  if (share >= 0.5) return "more likely than not";
  return "a guess";
}

/** [-33.1, 150.9] → "33.1° S, 150.9° E" */
export function degrees([latitude, longitude]) {
  const one = (value, [plus, minus]) => `${Math.abs(value)}° ${value < 0 ? minus : plus}`;
  return `${one(latitude, "NS")}, ${one(longitude, "EW")}`;
}

/** ISO 3166-1 codes as a list of names: "Brazil, Guyana, and Suriname". */
export function areas(codes) {
  const name = (code) => {
    try {
      return areaNames.of(code) ?? code;
    } catch {
      return code;
    }
  };
  return list.format(codes.map(name));
}

/** A sentence on what the place did for the answer. */
export function narrowing({ mode, animals }) {
  return (
    {
      narrowed: `The ${animals === 1 ? "one animal" : `${animals} animals`} known to live there weigh more.`,
      no_location: "No place was used: this is the picture alone.",
      unknown_area: "Which animals live there is not known: this is the picture alone.",
      degraded: "The place could not be used just now; this is the picture alone.",
    }[mode] ?? ""
  );
}
