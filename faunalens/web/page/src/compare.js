// The likeliest animals side by side, as a table: pictures, maps, and what differs before what does not.

import { rangeMap, taxon } from "./api.js";
import { badge, make } from "./elements.js";
import { capital, probability, say } from "./language.js";
import { addressOf } from "./addresses.js";
import { placeOfPicture } from "./outlines.js";
import { areWanted, canShow, pictureOf, setWanted } from "./pictures.js";
import { seasonOf } from "./season.js";
import { traitsOf } from "./traits.js";
import { zoomTogether } from "./zoom.js";

const MOST = 3;
const RANKS = ["class", "order", "family", "genus"]; // from wide to narrow

/** Return the content of the part that compares the candidates of an answer. `photo`: address of the person's, or empty. */
export async function compared({ candidates, features }, photo, signal) {
  const known = candidates.slice(0, MOST);
  const facts = await Promise.all(known.map((each) => taxon(each.taxon, signal).catch(nothingKnown)));
  const columns = known.map((each, i) => ({ ...facts[i], ...each, season: each.season }));
  const content = make("div", "", { className: "compared" });
  const fill = () => content.replaceChildren(...(areWanted() ? [beside(columns, photo, signal)] : []), table(columns, features, signal), choice(fill));
  fill();
  return { status: "", content: [content] };
}

/** Return what the dataset says of a taxon that it does not have: an animal that only a pack names. */
function nothingKnown(problem) {
  if (problem.code !== "taxon_missing") throw problem;
  return { lineage: [], lives: "unknown", group: "other" };
}

/** Return the button that shows or hides pictures, with what that means for privacy. Nothing if no host is set. */
export function choice(changed) {
  const part = make("div", "", { className: "choice", hidden: !canShow });
  const button = make("button", say(areWanted() ? "pictures.hide" : "pictures.show"), { type: "button", className: "small" });
  button.addEventListener("click", () => {
    setWanted(!areWanted());
    changed();
  });
  part.append(button, make("p", areWanted() ? "" : say("pictures.note"), { className: "quiet" }));
  return part;
}

/** Fill a place with the picture of a taxon; its outline stays if there is none. Return the picture, or null. */
export async function fillPicture(place, animal, signal) {
  const picture = await pictureOf(animal, signal).catch(() => null);
  if (!picture || signal.aborted) return null;
  const image = make("img", "", { src: picture.source, alt: say("pictures.of", animal) });
  await image.decode().catch(() => {});
  if (image.naturalWidth) place.replaceChildren(image);
  return picture;
}

/** Return who took a picture, and on what terms it may be shown. */
export function credit({ author, page, licence, terms }) {
  const link = (text, href) => make("a", text, { href, target: "_blank", rel: "noreferrer" });
  const line = make("span");
  line.append(link(author, page), ", ", link(licence, terms));
  return line;
}

/** The photo of the person beside the picture of an animal. Buttons choose which one. */
function beside(columns, photo, signal) {
  const part = make("div", "", { className: "beside" });
  const own = make("span", "", { className: "reference" });
  own.append(make("img", "", { src: photo, alt: say("pictures.yours") }));
  const other = placeOfPicture(columns[0].group);
  const caption = make("figcaption");
  const frames = photo ? [own, other] : [other];
  const figure = (frame, words) => {
    const made = make("figure");
    made.append(frame, words);
    return made;
  };
  const buttons = columns.map((each) => make("button", capital(each.name), { type: "button", className: "small", ariaPressed: "false" }));
  const zoom = make("div", "", { className: "buttons" });
  const show = async (i) => {
    buttons.forEach((each, j) => (each.ariaPressed = String(i === j)));
    other.replaceChildren(...placeOfPicture(columns[i].group).childNodes);
    caption.textContent = say("loading");
    const picture = await fillPicture(other, columns[i], signal);
    if (buttons[i].ariaPressed !== "true") return; // another was chosen meanwhile
    caption.replaceChildren(picture ? credit(picture) : say("pictures.none"));
    zoom.replaceChildren(...buttons, ...zoomTogether(frames));
  };
  buttons.forEach((each, i) => each.addEventListener("click", () => show(i)));
  zoom.append(...buttons);
  if (photo) part.append(figure(own, make("figcaption", say("pictures.yours"))));
  part.append(figure(other, caption), zoom);
  show(0);
  return part;
}

function table(columns, { mode }, signal) {
  const made = make("div", "", { role: "table", className: "comparison", ariaLabel: say("compare.table") });
  made.style.setProperty("--columns", columns.length);
  const above = (animal, rank) => animal.lineage.find((each) => each.rank === rank)?.name ?? "";
  const texts = [
    [say("compare.both"), columns.map(({ score }) => probability(score))],
    ...(mode === "narrowed" ? [[say("compare.photo"), columns.map((each) => probability(each.vision_score))]] : []),
  ];
  const ranks = RANKS.map((rank) => [capital(say(`rank.${rank}`)), columns.map((each) => above(each, rank))]).filter(([, cells]) => cells.every(Boolean));
  const marks = columns.map((each) => traitsOf(each.taxon));
  if (marks.every((each) => each.length)) {
    texts.push(...marks[0].map(([name], i) => [say(name), marks.map((each) => say(each[i][1]))]));
  }
  const differs = ([, cells]) => new Set(cells).size > 1;
  const parting = ranks.findIndex(differs); // where they part; what is above and below says less
  const shared = (parting < 0 ? ranks : ranks.slice(0, parting)).at(-1);
  const places = columns.map(({ here }) => (mode === "narrowed" || here !== "unknown" ? here : null));
  made.append(
    row("", columns.map((each) => heading(each, signal)), "columnheader"),
    row(say("compare.where"), columns.map((each) => mapOf(each, signal))),
    ...(places.some(Boolean) ? [row(say("compare.here"), places.map((here) => badge(here)))] : []),
    ...(columns.some(({ season }) => season) ? [row(say("compare.season"), columns.map(({ season }) => seasonOf(season)))] : []),
    ...[...texts.filter(differs), ...ranks.slice(parting, parting + 1)].map(([name, cells]) => row(name, cells)),
    ...[...texts.filter((each) => !differs(each)), ...(shared ? [shared] : [])].map(([name, [same]]) => row(name, [say("compare.same", { what: same })])),
  );
  return made;
}

function heading(animal, signal) {
  const { name, scientific_name: scientificName, group, taxon: id } = animal;
  const cell = make("div");
  const place = placeOfPicture(group);
  if (areWanted()) fillPicture(place, animal, signal);
  const link = make("a", capital(name), { href: addressOf("taxon", id) });
  cell.append(place, link, make("i", scientificName === name ? "" : scientificName));
  return cell;
}

function row(name, cells, role = "cell") {
  const made = make("div", "", { role: "row" });
  made.append(make("span", name, { role: "rowheader", className: "quiet", hidden: !name }));
  for (const each of cells) {
    const cell = make("div", "", { role });
    cell.append(each);
    made.append(cell);
  }
  return made;
}

/** Return the place of the map of a range, which fills as soon as the map is there. */
function mapOf({ name, taxon: id, lives }, signal) {
  const place = make("div", lives === "range" ? "" : say(`taxon.${lives}`), { className: lives === "range" ? "map" : "" });
  if (lives === "range") fill(place, name, id, signal);
  return place;
}

async function fill(place, name, id, signal) {
  const svg = await rangeMap(id, signal).catch(() => null);
  if (!svg) return place.classList.remove("map");
  const url = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
  const map = make("img", "", { src: url, alt: say("compare.map", { name }) });
  map.addEventListener("load", () => URL.revokeObjectURL(url));
  place.append(map);
}
