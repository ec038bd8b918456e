// Convert the numbers and codes of an answer to words.

const areaNames = new Intl.DisplayNames([document.documentElement.lang], { type: "region" });
const list = new Intl.ListFormat(document.documentElement.lang, { type: "conjunction" });

export const HERE = {
  native: ["native", "Naturally lives there"],
  introduced: ["introduced", "Introduced by people and now lives there"],
  everywhere: ["everywhere", "Lives wherever people do"],
  unexpected: ["unexpected", "Not known to live there"],
};

/** Format a probability as a percentage, never as 0 or 100 %. */
export function percent(share) {
  if (share >= 0.995) return "> 99 %";
  if (share < 0.01) return "< 1 %";
  return `${Math.round(share * 100)} %`;
}

/** Describe a calibrated probability in words. */
export function sureness(share) {
  if (share >= 0.95) return "very sure";
  if (share >= 0.85) return "sure";
  if (share >= 0.7) return "fairly sure";
  if (share >= 0.5) return "more likely than not";
  return "a guess";
}

/** Format coordinates: [-33.1, 150.9] → "33.1° S, 150.9° E". */
export function degrees([latitude, longitude]) {
  const one = (value, [plus, minus]) => `${Math.abs(value)}° ${value < 0 ? minus : plus}`;
  return `${one(latitude, "NS")}, ${one(longitude, "EW")}`;
}

/** Convert ISO 3166-1 codes to a list of names: "Brazil, Guyana, and Suriname". */
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

/** Return a sentence that says how the location affected the answer. */
export function narrowing({ mode, animals }) {
  return (
    {
      narrowed:
        animals === 1
          ? "The one animal known to live there was preferred."
          : `The ${animals} animals known to live there were preferred.`,
      no_location: "No location was used, only the photo.",
      unknown_area: "No animals are known for this area, so only the photo was used.",
      degraded: "The animals of this area are temporarily unavailable, so only the photo was used.",
    }[mode] ?? ""
  );
}
