// What is said about photos, as observations of Camtrap DP, and the form for one with details or for several.
import { $, make } from "./elements.js";
import { ANIMALS, called, say, valued } from "./words.js";

const form = $("details");
const FIELDS = ["count", "sex", "life_stage", "behavior", "note"];
const NOTHING = ["blank", "unknown"]; // kinds that stand alone
let draft = null; // observations that are not said yet
let at = 0; // the one that the form shows

/** Offer the values that Camtrap DP has. */
export function offer(values) {
  for (const field of ["sex", "life_stage"]) $(field).replaceChildren(new Option("", ""), ...values[field].map((each) => new Option(valued(field, each), each)));
  $("behaviors").replaceChildren(...(values.behavior ?? []).map((each) => new Option(valued("behavior", each), each)));
}

/** Return the observations of a photo's newest opinion, or else of the machine. */
export function answerOf(photo) {
  return photo.opinions.at(-1)?.observations ?? machineOf(photo);
}

// One observation for each taxon or kind. Boxes count.
function machineOf(photo) {
  const found = new Map();
  for (const { kind, named, box } of photo.parts.length ? photo.parts : [photo]) {
    const key = named ? `${named.name}\n${named.scientific_name}` : kind;
    const latin = named?.scientific_name ?? (kind === "animal" ? ANIMALS : null);
    const one = found.get(key) ?? { kind, name: named?.name ?? "animal", scientific_name: latin, count: 0 };
    found.set(key, { ...one, count: one.count + (box ? 1 : 0) });
  }
  return [...found.values()].map((each) => ({ ...each, count: each.count || null }));
}

/** Return an observation in words. */
export function described(one) {
  const count = one.count ? ` × ${one.count}` : "";
  const rest = ["sex", "life_stage", "behavior"].filter((field) => one[field]).map((field) => valued(field, one[field]));
  return [called(one) + count, ...rest, one.note && `“${one.note}”`].filter(Boolean).join(", ");
}

/** Return an observation as the server takes it. */
export function asSent({ kind = "animal", name, scientific_name, typed, ...rest }) {
  const details = Object.fromEntries(FIELDS.filter((field) => rest[field]).map((field) => [field, rest[field]]));
  if (NOTHING.includes(kind)) return { kind, note: rest.note };
  if (kind !== "animal") return { kind, ...details };
  return scientific_name ? { kind, scientific_name, ...details } : { kind, typed: typed ?? name ?? "", ...details };
}

const isUnnamed = (each) => each.kind === "animal" && !each.name;
const labelled = (each) => (isUnnamed(each) ? say("which") : described(each));

export const isOpen = () => draft !== null;
export const lacksName = () => draft.some(isUnnamed);
export const drafted = () => draft;

/** Open the form with observations. */
export function begin(observations) {
  draft = observations.map((each) => ({ ...each }));
  at = 0;
  show();
}

/** Add an observation of an animal without a name yet, which the next digit gives it. */
export function another() {
  document.activeElement.blur();
  draft = [...draft.filter((each) => !NOTHING.includes(each.kind)), { kind: "animal" }];
  at = draft.length - 1;
  show();
}

/** Give the observation in the form another name or kind. Its details stay. */
export function rename({ kind = "animal", name, scientific_name, typed }) {
  const details = Object.fromEntries(FIELDS.map((field) => [field, draft[at][field]]));
  draft[at] = { ...details, kind, name: name ?? typed, scientific_name, typed };
  show();
}

/** Take the observation in the form away; with the last one the form closes. */
export function remove() {
  draft.splice(at, 1);
  at = Math.max(at - 1, 0);
  if (draft.length) show();
  else drop();
}

export function drop() {
  draft = null;
  form.hidden = true;
  $("panel").classList.remove("drafting");
}

export function focus() {
  $("count").focus();
  $("count").select();
}

function show() {
  form.hidden = false;
  $("panel").classList.add("drafting");
  $("observations").replaceChildren(...draft.map((each, number) => {
    const button = make("button", labelled(each), { type: "button", ariaPressed: String(number === at), onclick: () => { at = number; show(); } });
    return make("li", button);
  }));
  for (const field of FIELDS) $(field).value = draft[at][field] ?? "";
}

function take() {
  for (const field of FIELDS) draft[at][field] = $(field).value.trim() || null;
  draft[at].count = Number.parseInt($("count").value, 10) || null;
  $("observations").children[at].firstChild.textContent = labelled(draft[at]);
}

function counted(by) {
  $("count").value = Math.max((Number.parseInt($("count").value, 10) || 0) + by, 1);
  take();
}

form.addEventListener("input", take);
$("fewer").addEventListener("click", () => counted(-1));
$("more").addEventListener("click", () => counted(1));
$("count").addEventListener("keydown", (event) => {
  const by = { ArrowUp: 1, "+": 1, ArrowDown: -1, "-": -1 }[event.key];
  if (!by) return;
  event.preventDefault();
  counted(by);
});
form.addEventListener("keydown", (event) => {
  if (event.key === "Escape") event.target.blur();
  else if (event.key === "Enter" && event.target.matches("select")) form.requestSubmit();
});
