// The Equal Earth projection (Šavrič, Patterson & Jenny 2018, doi:10.1080/13658816.2018.1504949): an
// equal-area projection for world maps. Map units: the sphere's radius is 100, y points down.

const A = [1.340264, -0.081106, 0.000893, 0.003796];
const M = Math.sqrt(3) / 2;
const SCALE = 100;
const radians = (degrees) => (degrees * Math.PI) / 180;
const degrees = (angle) => (angle * 180) / Math.PI;

const height = (t) => t * (A[0] + A[1] * t ** 2 + t ** 6 * (A[2] + A[3] * t ** 2));
const slope = (t) => A[0] + 3 * A[1] * t ** 2 + t ** 6 * (7 * A[2] + 9 * A[3] * t ** 2);

/** Return the map coordinates [x, y] of a location in decimal degrees. */
export function project(latitude, longitude) {
  const t = Math.asin(M * Math.sin(radians(latitude)));
  return [(SCALE * radians(longitude) * Math.cos(t)) / (M * slope(t)), -SCALE * height(t)];
}

/** Return the location at a point of the map, or null if the point is outside the map. */
export function unproject(x, y) {
  const target = -y / SCALE;
  let t = target / A[0];
  // Newton's method; the function is almost linear, so eight steps are more than enough.
  for (let step = 0; step < 8; step += 1) t -= (height(t) - target) / slope(t);
  const sine = Math.sin(t) / M;
  if (!(Math.abs(sine) <= 1)) return null;
  const longitude = degrees((x / SCALE) * ((M * slope(t)) / Math.cos(t)));
  return Math.abs(longitude) <= 180 ? { latitude: degrees(Math.asin(sine)), longitude } : null;
}

/** Half of the map's width and height. */
export const HALF_WIDTH = project(0, 180)[0];
export const HALF_HEIGHT = -project(90, 0)[1];

/** Return the path of points [latitude, longitude] on the map, without its end. */
export function pathOf(points) {
  return `M${points.map(([latitude, longitude]) => project(latitude, longitude).map((v) => v.toFixed(2)).join(" ")).join("L")}`;
}

/** Return the path of a line that is stored as its first point and differences, x before y, in units of a degree. */
export function outline(steps, units) {
  const points = [];
  let [x, y] = [0, 0];
  for (let i = 0; i < steps.length; i += 2) {
    [x, y] = [x + steps[i], y + steps[i + 1]];
    points.push([y / units, x / units]);
  }
  return pathOf(points);
}
