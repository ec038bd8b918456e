// A mark or two of birds: where they live, what they eat, whether they migrate. The table is AVONET's, by the ids of taxa. The
// copy of it that the table comes from has no length, mass or wing, so that the page does not show sizes.

import traits from "../traits.csv";

const NAMES = ["habitat", "diet", "migration"];
const table = new Map(traits.trim().split("\n").map((line) => [line.split(",")[0], line.split(",").slice(1)]));

/** Return the key of each trait and that of its value, of a taxon that the table has; else nothing. */
export function traitsOf(id) {
  return (table.get(id) ?? []).map((value, i) => [`trait.${NAMES[i]}`, `trait.${value}`]);
}
