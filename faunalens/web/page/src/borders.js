// What the map shows once one looks closer: the coast at 1:50 million, borders, and where the names of countries stand.

import borders from "./borders.json";
import { decode } from "./polyline.js";
import { outline } from "./projection.js";

const { units_per_degree: units } = borders;
const path = (lines, end) => lines.map((line) => outline(decode(line), units) + end).join("");

export const LAND = path(borders.rings, "Z");
export const BORDERS = path(borders.borders, "");
export const COUNTRIES = borders.labels; // [code, latitude, longitude], the largest first
