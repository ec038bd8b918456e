// Bundle the page into three files: index.html, a script and a style sheet. `make page` runs this.
// The names of the script and the style sheet contain a hash of their content, so that browsers may keep them forever.

import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const SOURCES = fileURLToPath(new URL("src", import.meta.url));
const BUNDLE = fileURLToPath(new URL("../../chalicelib/web", import.meta.url));

const { outputFiles } = await build({
  absWorkingDir: SOURCES,
  entryPoints: ["app.js", "page.css"],
  entryNames: "[name]-[hash]",
  outdir: BUNDLE,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  write: false,
});
const [script, styles] = outputFiles.map(({ path }) => `web/${path.slice(BUNDLE.length + 1)}`);
const icon = (await readFile(join(SOURCES, "icon.svg"), "utf8")).trim().replace(/>\s+</g, "><");

let html = await readFile(join(SOURCES, "index.html"), "utf8");
replace("app.js", script);
replace("page.css", styles);
replace("icon.svg", `data:image/svg+xml,${encodeURIComponent(icon)}`); // saves a request

await rm(BUNDLE, { recursive: true, force: true });
await mkdir(BUNDLE);
for (const { path, contents } of outputFiles) await writeFile(path, contents);
await writeFile(join(BUNDLE, "index.html"), html);

/** Replace the name of a source in the HTML by the address that the server gives it. */
function replace(source, address) {
  const quoted = `"${source}"`;
  if (!html.includes(quoted)) throw new Error(`index.html does not contain ${quoted}, which build.mjs replaces`);
  html = html.replaceAll(quoted, `"${address}"`);
}
