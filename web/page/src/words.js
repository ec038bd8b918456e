// Convert the numbers and codes of an answer to words.

const areaNames = new Intl.DisplayNames([document.documentElement.lang], { type: "region" });
const SOURCES = { exif: "from the photo’s GPS data", request: "chosen by you" };
const NAMED = 3; // relatives in a sentence
const list = new Intl.ListFormat(document.documentElement.lang, { type: "conjunction" });

/** Whether an animal lives at the location. */
export const HERE = {
  native: "lives here",
  introduced: "introduced here",
  everywhere: "lives everywhere",
  unexpected: "would be unusual here",
  unknown: "not known for this animal",
};

const STATUSES = { native: "Native", introduced: "Introduced" };
const SURE = { "very sure": "95 % or more", "fairly sure": "80 % or more", perhaps: "half or more" };
const LIVES = { everywhere: "everywhere", nowhere: "nowhere any more", unknown: "where is not known" };

/** Remarks on a prediction. */
export const REMARKS = {
  unexpected:
    "This animal would be unusual where the photo was taken. It may have escaped, strayed or been brought there. " +
    "The photo itself still points to it.",
  unknown: "Whether this animal lives where the photo was taken is not known. The location did not count against it.",
};

/** Format a probability as a percentage, never as 0 or 100 %. */
export function percent(share) {
  if (share >= 0.995) return "> 99 %";
  if (share < 0.01) return "< 1 %";
  return `${Math.round(share * 100)} %`;
}

/** What the API's words for how sure an answer is mean. docs/explanation/field.md has the measurements. */
export function sureMeans(words) {
  return SURE[words] ? `Of the answers to photos from the field that are “${words}”, ${SURE[words]} are right.` : "";
}

/** What a photo without a name shows: a heading, and a sentence in case that the API gives no reason. */
export const SUBJECTS = {
  animal: ["An animal", "The photo does not show clearly which one. A closer or sharper photo may help."],
  person: ["A person", "No animal was found in the photo."],
  vehicle: ["A vehicle", "No animal was found in the photo."],
  none: ["No animal", "If there is one, a closer or sharper photo may help."],
  unclear: ["Unclear", "There may be an animal in the photo. A closer or sharper photo may help."],
};

/** Return a taxon's rank, or nothing for a species, and for a rank that contradicts the scientific name. */
export function rankInWords({ rank, scientific_name: scientificName }) {
  const ofSpecies = scientificName.includes(" ");
  if (rank === "breed") return ofSpecies ? rank : "";
  return ofSpecies || rank === "species" ? "" : rank;
}

/** Return a sentence on the models that looked at a photo. */
export function modelsInWords({ packs = [] }) {
  const names = packs.map(({ name }) => name);
  if (!names.length) return "The general model looked at the photo.";
  return `The general model looked at the photo, then ${list.format(names.map((name) => `the one for ${name}`))}.`;
}

/** Return what one of several photos shows by itself. */
export function guessInWords({ prediction, agrees }) {
  const guess = prediction ? `${prediction.name}, ${prediction.sure}` : "nothing clear";
  return agrees ? guess : `${guess}: does not agree`;
}

/** Return a sentence on photos that do not agree with the answer, or nothing if all do. */
export function disagreement(photos) {
  const numbers = photos.flatMap(({ agrees }, i) => (agrees ? [] : [`${i + 1}`]));
  if (!numbers.length) return "";
  const which = numbers.length === 1 ? `Photo ${numbers[0]} does` : `Photos ${list.format(numbers)} do`;
  return `${which} not agree with the answer. Do all photos show the same animal?`;
}

/** Return how many animals the detector found. */
export function countOfAnimals(count) {
  return count ? counted(count, "animal was found", "animals were found") : "No single animal was found";
}

/** Return a sentence on the people and vehicles in a photo, or nothing. */
export function alsoSeen(people, vehicles) {
  const seen = [people && counted(people, "person", "people"), vehicles && counted(vehicles, "vehicle", "vehicles")];
  const words = seen.filter(Boolean);
  if (!words.length) return "";
  return `The photo also shows ${list.format(words)}.${people ? " Think of that before you share it." : ""}`;
}

/** Return a sentence on the packs of a deployment. */
export function packsInWords(packs) {
  const names = packs.map(({ name }) => name).filter((name) => name !== "detector");
  if (!names.length) return "This deployment has the general model alone, without packs for single groups.";
  return `Behind the general model, ${names.length === 1 ? "a pack knows" : "packs know"} more species of ${list.format(names)}.`;
}

/** Format coordinates: [-33.1, 150.9] → "33.1° S, 150.9° E". */
function degrees([latitude, longitude]) {
  const one = (value, [plus, minus]) => `${Math.abs(value)}° ${value < 0 ? minus : plus}`;
  return `${one(latitude, "NS")}, ${one(longitude, "EW")}`;
}

/** Convert ISO 3166-1 codes to a list of names: "Brazil, Guyana, and Suriname". */
function areas(codes) {
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
  const preferred = {
    0: "No animals are known to live there.",
    1: "The one animal known to live there was preferred.",
  };
  return (
    {
      narrowed: preferred[animals] ?? `The ${animals} animals known to live there were preferred.`,
      no_location: "No place was used, only the photo.",
      unknown_area: "Which animals live there is not known, so only the photo was used.",
      degraded: "Which animals live there is not known just now, so only the photo was used.",
    }[mode] ?? ""
  );
}

/** Describe a list of animals of a location. An empty one has reasons. */
export function residents(count, mode) {
  if (mode === "degraded") return "Which animals live there is not known just now. Close this list and try again.";
  if (mode === "unknown_area") return "Which animals live there is not known.";
  return count ? counted(count, "animal that Faunalens knows", "animals that Faunalens knows") : "No animals are known to live there.";
}

/** Describe the location of an answer. */
export function whereabouts({ source, center, areas: codes }, { mode }) {
  if (!center) return "";
  const unnamed = { narrowed: "at sea", degraded: "country not known just now" }[mode] ?? "at sea, or far from any country";
  return `Around ${degrees(center)} (${codes.length ? areas(codes) : unnamed}), ${SOURCES[source]}.`;
}

/** Return the sentence on close relatives that live there: some of their names, and whether there are more. */
export function relativesInWords(count, taxa) {
  const names = taxa.slice(0, NAMED).map(({ name }) => name);
  const listed = count > NAMED ? `${names.join(", ")} …` : list.format(names);
  return `${counted(count, "close relative lives", "close relatives live")} here that Faunalens cannot tell apart: ${listed}`;
}

/** Return terms and descriptions of where a taxon lives. */
export function lives(where, ranges) {
  const described = Object.entries(STATUSES).map(([status, term]) => [
    term,
    ranges.filter((each) => each.status === status).map(statement).join("; "),
  ]);
  const found = described.filter(([, words]) => words);
  return where === "range" && found.length ? found : [["Lives", LIVES[where] ?? LIVES.unknown]];
}

function statement({ words, extent, certainty, season }) {
  const details = [season, certainty === "doubt" && "in doubt"].filter(Boolean).join(", ");
  return `${extent === "within" ? "parts of " : ""}${words}${details && ` (${details})`}`;
}

function counted(count, one, many) {
  return `${count} ${count === 1 ? one : many}`;
}
