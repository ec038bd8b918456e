// Call functions of the page's pure modules for a test in Python: stdin has {shared, calls: [[module, function, arguments…],
// …]} as JSON, and stdout gets the results. Bytes are {"bytes": base64}, other arrays of numbers {"floats": […]}, and
// {"shared": name} is a value that several calls take.

import { readFileSync } from "node:fs";

const { shared, calls } = JSON.parse(readFileSync(0, "utf8"), (_, value) => {
  if (value?.bytes !== undefined) return new Uint8Array(Buffer.from(value.bytes, "base64"));
  return value?.floats ? Float32Array.from(value.floats) : value;
});
const given = (value) => {
  if (typeof value?.shared === "string") return shared[value.shared];
  if (value?.constructor !== Object) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, given(each)]));
};
const results = [];
for (const [module, name, ...values] of calls) {
  const functions = await import(new URL(`../../../../../faunalens/web/page/src/${module}`, import.meta.url));
  results.push(await functions[name](...values.map(given)));
}
const encoded = (_, value) => {
  if (value instanceof Uint8Array || value instanceof Uint8ClampedArray) return { bytes: Buffer.from(value).toString("base64") };
  return ArrayBuffer.isView(value) ? [...value] : value;
};
process.stdout.write(JSON.stringify(results, encoded));
