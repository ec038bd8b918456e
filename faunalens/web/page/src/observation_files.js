// The list of observations as files: CSV and GeoJSON, which can be loaded again, a CSV of Darwin Core occurrences
// (dwc.tdwg.org/terms), and the CSV that iNaturalist imports. No DOM.

import { csv, rowsOf } from "./csv.js";

const UNCERTAINTY = 1000; // metres; places have two decimals
const COLUMNS = ["id", "name", "scientific_name", "rank", "date", "latitude", "longitude", "where", "count", "note", "answered", "said", "added"];
const DATE = /^\d{4}(-\d\d(-\d\d)?)?$/;

/** The formats by the ends of file names. `write`: returns the text for a list of observations. */
export const FORMATS = {
  csv: { name: "CSV", media: "text/csv", write: csvFile },
  geojson: { name: "GeoJSON", media: "application/geo+json", write: geojsonFile },
  "dwc.csv": { name: "Darwin Core", media: "text/csv", write: darwinCoreFile },
  "inaturalist.csv": { name: "iNaturalist", media: "text/csv", write: inaturalistFile },
};

function csvFile(observations) {
  return csv([COLUMNS, ...observations.map((each) => COLUMNS.map((column) => fields(each)[column]))]);
}

function geojsonFile(observations) {
  const features = observations.map((each) => {
    const { latitude, longitude, ...properties } = fields(each);
    const geometry = each.place && { type: "Point", coordinates: [longitude, latitude] };
    return { type: "Feature", id: each.id, geometry, properties };
  });
  return `${JSON.stringify({ type: "FeatureCollection", features }, null, 1)}\n`;
}

function darwinCoreFile(observations) {
  const rows = observations.map(({ id, taxon, date, place, where, count, note, answered, said }) => ({
    occurrenceID: `urn:uuid:${id}`,
    basisOfRecord: "HumanObservation",
    eventDate: date,
    scientificName: taxon.scientific_name,
    taxonRank: taxon.rank ?? "",
    vernacularName: taxon.name === taxon.scientific_name ? "" : taxon.name,
    individualCount: count,
    decimalLatitude: place?.latitude ?? "",
    decimalLongitude: place?.longitude ?? "",
    geodeticDatum: place ? "WGS84" : "",
    coordinateUncertaintyInMeters: place ? UNCERTAINTY : "",
    verbatimLocality: where,
    identificationVerificationStatus: said ? "verified by observer" : "unverified",
    identificationRemarks: answered && `Faunalens: ${answered}`,
    occurrenceRemarks: note,
  }));
  const terms = Object.keys(rows[0] ?? { occurrenceID: "" });
  return csv([terms, ...rows.map((row) => terms.map((term) => row[term]))]);
}

function inaturalistFile(observations) {
  const header = ["Taxon name", "Date observed", "Description", "Place name", "Latitude / y coord / northing", "Longitude / x coord / easting", "Tags", "Geoprivacy"];
  const rows = observations.map(({ taxon, date, place, where, count, note }) => {
    const description = [note, count > 1 && `${count} individuals`].filter(Boolean).join("; ");
    return [taxon.scientific_name || taxon.name, date, description, where, place?.latitude ?? "", place?.longitude ?? "", "Faunalens", "obscured"];
  });
  return csv([header, ...rows]);
}

function fields({ id, taxon, date, place, where, count, note, answered, said, added }) {
  const { name, scientific_name: scientificName, rank = "" } = taxon;
  const { latitude = "", longitude = "" } = place ?? {};
  return { id, name, scientific_name: scientificName, rank, date, latitude, longitude, where, count, note, answered, said, added };
}

/** Return the observations in a CSV or GeoJSON file that was saved here; none in any other. */
export function parse(text) {
  const rows = text.trimStart().startsWith("{") ? featuresIn(text) : recordsIn(text);
  return rows.map(observationIn).filter(Boolean);
}

function featuresIn(text) {
  try {
    const { features = [] } = JSON.parse(text);
    return features.map(({ geometry, properties }) => {
      const [longitude, latitude] = geometry?.coordinates ?? [];
      return { ...properties, longitude, latitude };
    });
  } catch {
    return [];
  }
}

function recordsIn(text) {
  const [header = [], ...rows] = rowsOf(text);
  return rows.map((row) => Object.fromEntries(header.map((name, i) => [name, row[i] ?? ""])));
}

/** Return an observation from the fields of a row; null if they are not those of one. A stranger may have written them. */
function observationIn(row) {
  const text = (key, most = 500) => (typeof row?.[key] === "string" ? row[key].slice(0, most) : "");
  const number = (key) => (row[key] === "" || row[key] == null ? NaN : Number(row[key]));
  const [latitude, longitude] = [number("latitude"), number("longitude")];
  if (!text("id") || !text("name")) return null;
  const isPlace = Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180;
  const added = new Date(text("added"));
  return {
    id: text("id", 60),
    added: (Number.isNaN(added.getTime()) ? new Date() : added).toISOString(),
    taxon: { name: text("name"), scientific_name: text("scientific_name"), ...(text("rank") && { rank: text("rank", 20) }) },
    answered: text("answered"),
    said: ["confirmed", "corrected"].includes(row.said) ? row.said : "",
    date: DATE.test(text("date")) ? row.date : "",
    place: isPlace ? { latitude, longitude } : null,
    where: text("where"),
    count: Math.min(Math.max(Math.round(number("count")) || 1, 1), 1_000_000),
    note: text("note"),
    results: [],
  };
}
