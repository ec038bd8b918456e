// Call functions of the page's pure modules for a test in Python: stdin has [[module, function, arguments…], …] as JSON, and
// stdout gets the results. Bytes are {"bytes": base64}, and other arrays of numbers {"floats": […]}.

import { readFileSync } from "node:fs";

const calls = JSON.parse(readFileSync(0, "utf8"), (_, value) => {
  if (value?.bytes !== undefined) return new Uint8Array(Buffer.from(value.bytes, "base64"));
  return value?.floats ? Float32Array.from(value.floats) : value;
});
const results = [];
for (const [module, name, ...values] of calls) {
  const functions = await import(new URL(`../../../../../web/page/src/offline/${module}`, import.meta.url));
  results.push(await functions[name](...values));
}
const encoded = (_, value) => {
  if (value instanceof Uint8Array || value instanceof Uint8ClampedArray) return { bytes: Buffer.from(value).toString("base64") };
  return ArrayBuffer.isView(value) ? [...value] : value;
};
process.stdout.write(JSON.stringify(results, encoded));
