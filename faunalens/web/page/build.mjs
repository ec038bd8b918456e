// Bundle the page into a script, a style sheet, lists of places, and HTML and names of animals in each language, such as
// de.html. `make page` runs this. All names but those of the HTML contain a hash of their content, so that browsers may
// keep them forever.

import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const SOURCES = fileURLToPath(new URL("src", import.meta.url));
const NAMES = fileURLToPath(new URL("names", import.meta.url));
const WORDS = fileURLToPath(new URL("words", import.meta.url));
const HERE = fileURLToPath(new URL(".", import.meta.url));
const FORMATS = fileURLToPath(new URL("../../../chalicelib/photo/formats.json", import.meta.url));
const BUNDLE = fileURLToPath(new URL("../../../chalicelib/web", import.meta.url));

/** Bundle the numbers of world.json as text, which takes 1.6 kB less on the wire. */
const world = {
  name: "world",
  setup: ({ onLoad }) =>
    onLoad({ filter: /world\.json$/ }, async ({ path }) => {
      const { units_per_degree, rings } = JSON.parse(await readFile(path, "utf8"));
      const encoded = rings.map((ring) => ring.map(encode).join(""));
      return { contents: JSON.stringify({ units_per_degree, rings: encoded }), loader: "json" };
    }),
};

/** Bundle what the page needs of the table of formats: their media types, first bytes and the suffixes of files. */
const table = JSON.parse(await readFile(FORMATS, "utf8"));
const formats = {
  name: "formats",
  setup: ({ onLoad }) =>
    onLoad({ filter: /formats\.json$/ }, () => {
      const starts = table.map(({ signature, brands }) => signature ?? `[^]{4}ftyp([^]{4})*(${brands.join("|")})`);
      const contents = `
        export const MEDIA_TYPES = ${JSON.stringify(table.flatMap((format) => format.media_types))};
        export const READABLE = /^(${starts.join("|")})/;
        export const SUFFIXES = /\\.(${table.flatMap((format) => format.extensions).join("|")})$/i;`;
      return { contents, loader: "js" };
    }),
};

const options = {
  absWorkingDir: SOURCES,
  entryNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  loader: { ".txt": "file", ".jpg": "base64", ".csv": "text" },
  outdir: BUNDLE,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  write: false,
};
const loadedLater = []; // files

/** Name scripts and style sheets by their content alone: esbuild's own hashes depend on the folder of the checkout. */
function renamed(files) {
  return files.map((file) => {
    if (file.path.endsWith(".txt")) return file;
    const path = file.path.replace(/-\w{8}(?=\.\w+$)/, `-${hashOf(file.contents)}`);
    return { path, contents: file.contents };
  });
}

function hashOf(content) {
  return createHash("sha256").update(content).digest("hex").slice(0, 8).toUpperCase();
}

/**
 * Bundle a module by itself that is loaded when it is needed: `import address from "./list.js?later"` gives its address,
 * for `await import(address)`. What both bundles import is in both, with a state of its own in each.
 */
const later = {
  name: "later",
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /\?later$/ }, ({ path }) => ({ path: join(SOURCES, path.replace("?later", "")), namespace: "later" }));
    onLoad({ filter: /./, namespace: "later" }, async ({ path }) => {
      const built = renamed((await build({ ...options, entryPoints: [path], plugins })).outputFiles);
      loadedLater.push(...built);
      return { contents: JSON.stringify(`./${basename(built.find((file) => file.path.endsWith(".js")).path)}`), loader: "json" };
    });
  },
};
const plugins = [world, formats, later];

const outputFiles = renamed((await build({ ...options, entryPoints: ["app.js", "page.css"], plugins })).outputFiles);
const [script, styles] = [".js", ".css"].map((suffix) => {
  const { path } = outputFiles.find(({ path }) => path.endsWith(suffix));
  return `web/${path.slice(BUNDLE.length + 1)}`;
});
const icon = (await readFile(join(SOURCES, "icon.svg"), "utf8")).trim().replace(/>\s+</g, "><");

let html = await readFile(join(SOURCES, "index.html"), "utf8");
replace("app.js", script);
replace("page.css", styles);
replace("icon.svg", `data:image/svg+xml,${encodeURIComponent(icon)}`); // saves a request

await rm(BUNDLE, { recursive: true, force: true });
await mkdir(BUNDLE);
const files = [...outputFiles, ...loadedLater].sort((one, other) => (one.path < other.path ? -1 : 1)); // whichever was built first
for (const { path, contents } of files) await writeFile(path, contents);
const image = await written("icon", ".svg", icon);
// Without signal the page needs all of its files; names in the language are added by offline/shell.js.
replace("shell.json", await written("shell", ".json", JSON.stringify([image, ...new Set(files.map(({ path }) => `web/${basename(path)}`))])));
html = html.replace(/\n\s+/g, "\n");
const areas = await rowsOf("areas.csv");
const english = new Map((await rowsOf("../../../model/relatives.csv")).map((row) => [row.scientific_name, row.name]));
const relatives = (await rowsOf("relatives.csv")).map((row) => ({ ...row, en: english.get(row.scientific_name) }));
relatives.push(...(await rowsOf("everyday.csv")));
const groups = await readGroups();
const languages = {};
for (const file of (await readdir(WORDS)).sort()) {
  languages[basename(file, ".json")] = JSON.parse(await readFile(join(WORDS, file), "utf8"));
}
const countries = (await readFile(join(SOURCES, "places.txt"), "utf8")).match(/(?<=^=)[A-Z]{2}$/gm);
for (const [language, words] of Object.entries(languages)) {
  const names = new Intl.DisplayNames([words.html.lang], { type: "region" });
  await written(`countries-${language}`, ".json", JSON.stringify(Object.fromEntries(countries.map((code) => [code, names.of(code)])))); // for result pages
  const lists = { ...(await addresses(language)), manifest: await writeManifest(words) };
  await writeFile(join(BUNDLE, `${language}.html`), inLanguage(words, lists, linksFrom(language)));
}

/** Return links from a language to all languages. The server remembers the one that was followed last. */
function linksFrom(current) {
  const link = ([language, { html: own }]) =>
    `<a href="?lang=${language}" lang="${own.lang}"${language === current ? ' aria-current="true"' : ""}>${own.language}</a>`;
  return Object.entries(languages).map(link).join(" ");
}

/** Return the groups of animals that have names: scientific name and English one. */
async function readGroups() {
  const texts = await Promise.all(["taxa.csv", "packs/taxa.csv", "families.csv"].map((name) => readFile(join(HERE, "../../../model", name), "utf8")));
  const row = /^([A-Z]\w+),(?:(?:kingdom|phylum|class|order|family|genus),)?("?)(.+?)\2(?:,|$)/gm; // some tables have ranks
  return texts.flatMap((text) => [...text.matchAll(row)].map(([, latin, , name]) => [latin, name]));
}

/** Return the rows of a CSV file without quotes, by the names of their columns. */
async function rowsOf(name) {
  const [head, ...rows] = (await readFile(join(HERE, name), "utf8")).trim().split("\n").map((line) => line.split(","));
  return rows.map((row) => Object.fromEntries(head.map((column, i) => [column, row[i]])));
}

/** Write the lists of a language. Return the address of each. */
async function addresses(language) {
  const namedAreas = Object.fromEntries(areas.map((row) => [row.area, row[language] || row.en]));
  const names = await readNames(language);
  const named = groups.map(([latin, english]) => [latin, names ? names[english.toLowerCase()] : english]);
  const more = {};
  for (const [latin, name] of [...named, ...relatives.map((row) => [row.scientific_name, row[language]])]) {
    if (name) more[latin] = more[latin] ? `${more[latin]}\n${name}` : name;
  }
  return {
    names: names ? await written(`names-${language}`, ".json", JSON.stringify(names)) : "",
    areas: await written(`areas-${language}`, ".json", JSON.stringify(namedAreas)),
    relatives: await written(`relatives-${language}`, ".json", JSON.stringify(more)),
  };
}

/** Return the names of animals in a language by English name in lower case; null for English, in which the API has names. */
async function readNames(language) {
  if (language === "en") return null;
  return Object.assign({}, ...Object.values(JSON.parse(await readFile(join(NAMES, `${language}.json`), "utf8"))));
}

/** Write what a browser needs to install the page as an app, in a language. Return its address. */
function writeManifest({ html: own }) {
  const manifest = {
    name: "Faunalens",
    short_name: "Faunalens",
    description: own.description,
    lang: own.lang,
    dir: own.dir,
    id: "..",
    start_url: "..", // of faunalens/web/, where this file is
    scope: "..",
    display: "standalone",
    background_color: "#ffffff",
    theme_color: "#2f6b3c",
    icons: [{ src: basename(image), type: "image/svg+xml", sizes: "any", purpose: "any" }],
  };
  return written(`manifest-${own.lang.toLowerCase()}`, ".json", JSON.stringify(manifest));
}

/** Write a file whose name has a hash of its content. Return its address. */
async function written(name, suffix, text) {
  const file = `${name}-${hashOf(text)}${suffix}`;
  await writeFile(join(BUNDLE, file), text);
  return `web/${file}`;
}

/** Return the HTML in a language: with its own words, and those of the script as JSON. */
function inLanguage({ html: own, script }, lists, links) {
  const suffixes = table.filter((format) => format.in_browsers === false).flatMap((format) => format.extensions);
  const values = { ...own, ...lists, suffixes: suffixes.map((suffix) => `,.${suffix}`).join("") };
  const words = JSON.stringify(script).replaceAll("<", "\\u003c").replaceAll("{formats}", namedIn(own.lang));
  const markup = { links, words };
  return html.replace(/{{([\w.-]+)}}/g, (_, key) => {
    if (key in markup) return markup[key];
    if (!(key in values)) throw new Error(`no words for {{${key}}} of index.html`);
    return escape(values[key]);
  });
}

/** Return the names of the formats, as a list in a language: "JPEG, PNG or TIFF". */
function namedIn(language) {
  const list = new Intl.ListFormat(language === "en" ? "en-GB" : language, { type: "disjunction" });
  return list.format(table.map(({ name }) => name)).replace("或", " 或 "); // Chinese has spaces around Latin letters
}

function escape(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

/** Replace the name of a source in the HTML by the address that the server gives it. */
function replace(source, address) {
  const quoted = `"${source}"`;
  if (!html.includes(quoted)) throw new Error(`index.html does not contain ${quoted}, which build.mjs replaces`);
  html = html.replaceAll(quoted, `"${address}"`);
}

/**
 * Encode a whole number as Google's encoded polylines do: five bits a character, the lowest first, after the sign as the
 * lowest bit (developers.google.com/maps/documentation/utilities/polylinealgorithm). polyline.js decodes it.
 */
function encode(number) {
  let text = "";
  let rest = number < 0 ? ~(number << 1) : number << 1;
  for (; rest >= 32; rest >>= 5) text += String.fromCharCode((rest & 31) + 32 + 63);
  return text + String.fromCharCode(rest + 63);
}
