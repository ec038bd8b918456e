// Goes through the events of a queue with the keyboard: shows one, sends what is said about its photos, and takes it back.
import { listen, showKeys } from "./commands.js";
import { $ } from "./elements.js";
import { queue } from "./names.js";
import * as form from "./observations.js";
import * as panel from "./panel.js";
import * as picture from "./picture.js";
import * as results from "./results.js";
import * as search from "./search.js";
import { hold, post, release } from "./server.js";
import * as strip from "./strip.js";
import { ANIMALS, called, fill, say, written } from "./words.js";

const GONE = 404;
const CONFLICT = 409; // another reviewer has the event

let { events } = queue; // photo ids of each
let place = 0; // of the event that is shown
let event = null; // null at the end
let details = null; // the observations that were last said of it with details
let current = 0; // the photo that is seen
let anchor = 0; // where a selection began
const selection = new Set(); // numbers of photos
let revisits = queue.of === "disagreements"; // of what is reviewed already
const reviewed = new Set(); // ids of photos
const steps = []; // what can be taken back: the queue before it, where it was said, and how
const recent = []; // names that were said, the newest first
let choices = []; // names by their digits

const isReviewed = (photo) => reviewed.has(photo.id);
const isDone = (ids) => ids.every((id) => reviewed.has(id));
const mine = (photo) => photo.opinions.find((each) => each.reviewer === queue.reviewer);
const announce = (text) => { $("said").textContent = text; };
const explain = (error) => announce(error.message);

// Names apply to the selected photos; else to those that have none yet, or to all if none is left.
function targets() {
  const some = event.photos.filter((_, number) => selection.has(number));
  if (some.length) return some;
  const left = event.photos.filter((each) => !isReviewed(each));
  return left.length ? left : event.photos;
}

async function open(where, photo = 0) {
  const next = Math.min(Math.max(where, 0), events.length);
  let found = null;
  try {
    if (next < events.length) found = await hold(events[next][0]);
  } catch (error) {
    if (error.status !== GONE) throw error;
    events = events.toSpliced(next, 1); // its photos were taken out of the study
    return open(next);
  }
  results.hide();
  search.close();
  form.drop();
  picture.reset();
  selection.clear();
  details = null;
  [event, place] = [found, next];
  current = anchor = photo;
  if (event) {
    const ids = event.photos.map((each) => each.id);
    if (String(ids) !== String(events[place])) { // others have split or merged it
      events = [...events.slice(0, place), ids, ...events.slice(place + 1).filter(([first]) => !ids.includes(first))];
    }
    if (!revisits) for (const each of event.photos) if (each.opinions.length) reviewed.add(each.id);
    return show();
  }
  await release();
  showProgress();
  return showResults();
}

// Go to the next event that is free and not done; after the last one, to those that others held before.
async function onward() {
  for (let next = place + 1; next < events.length; next += 1) if (!isDone(events[next]) && (await isFree(next))) return;
  for (let next = 0; next < place; next += 1) if (!isDone(events[next]) && (await isFree(next))) return;
  await open(events.length);
}

async function isFree(next) {
  const from = place;
  await open(next);
  if (!event.held_by && !isDone(events[place])) return true;
  place = from;
  return false;
}

function show() {
  showProgress();
  const { photos } = event;
  const photo = photos[current];
  const near = [current + 1, current - 1, current + 2].flatMap((number) => photos[number]?.id ?? []);
  picture.show(photo, say("alt", { number: current + 1, count: photos.length }), [...near, ...(events[place + 1] ?? []).slice(0, 1)]);
  strip.show(event, { current, selection, isReviewed, click: clicked });
  $("path").title = photo.path;
  const frame = photo.clip ? [`▶ ${photo.clip.seconds.toFixed(1)} / ${photo.clip.duration.toFixed(1)} s`] : [];
  $("path").textContent = [`${current + 1}/${photos.length}`, written(photo.time, { short: true }), ...frame, photo.path.split("/").at(-1)].join(" · ");
  $("held").hidden = !event.held_by;
  $("held").textContent = event.held_by ? say("held", { name: event.held_by }) : "";
  choices = panel.show(photo, photos, { me: queue.reviewer, often: event.often, recent, choose: (number) => run("candidate", number) });
  const count = targets().length;
  const which = selection.size ? "scope.selected" : count < photos.length ? "scope.left" : "scope.all";
  $("scope").textContent = say(which, { count });
}

function showProgress() {
  const all = events.flat();
  const left = all.filter((id) => !reviewed.has(id)).length;
  $("position").textContent = event ? say("position", { number: place + 1, count: events.length }) : "";
  $("left").textContent = say("left", { count: left });
  $("done").max = all.length || 1;
  $("done").value = all.length - left;
  $("reviewer").textContent = say("reviewer", { name: queue.reviewer });
  const { deployment, path, time } = event?.photos[0] ?? {};
  $("station").textContent = event ? [deployment ?? path.split("/").slice(0, -1).join("/"), written(time)].filter(Boolean).join(" · ") : "";
}

// Say something about the photos that are meant, and go on once the event is done.
async function review(said, words) {
  if (event.held_by) throw new Error(say("held", { name: event.held_by }));
  const before = targets();
  const ids = before.map((each) => each.id);
  const wasDone = isDone(events[place]);
  const { photos } = await post("review", { photos: ids, ...said });
  steps.push({ events, place, current, back: () => takeBack(before) });
  take(photos);
  for (const id of ids) reviewed.add(id);
  const isAll = ids.length === event.photos.length;
  announce(say("done", { what: words, count: ids.length }));
  search.close();
  form.drop();
  selection.clear();
  if (isDone(events[place]) && (isAll || !wasDone)) return onward();
  const left = [...event.photos.keys()].filter((number) => !isReviewed(event.photos[number]));
  current = anchor = left.find((number) => number > current) ?? left[0] ?? current;
  return show();
}

function take(photos) {
  const byId = new Map(photos.map((each) => [each.id, each]));
  event.photos = event.photos.map((each) => ({ ...each, ...byId.get(each.id) }));
}

// Give photos back the opinions that this reviewer had on them, as old as they were, or none.
async function takeBack(photos) {
  const groups = Map.groupBy(photos, (each) => JSON.stringify(mine(each) ?? null));
  for (const [key, some] of groups) {
    const former = JSON.parse(key);
    await post("review", { photos: some.map((each) => each.id), ...(former ? { at: former.at, observations: former.observations.map(form.asSent) } : { undo: true }) });
    for (const { id, opinions } of some) if (revisits || !opinions.length) reviewed.delete(id);
  }
}

async function undo() {
  const last = steps.at(-1);
  if (!last) return announce(say("nothing-to-undo"));
  await last.back();
  steps.pop();
  events = last.events;
  await open(last.place, last.current);
  announce(say("undone"));
}

// Put changed events in the place of those that had their photos.
async function regroup(path, body, back, words) {
  if (event.held_by) throw new Error(say("held", { name: event.held_by }));
  const { events: changed } = await post(path, body);
  steps.push({ events, place, current, back });
  const moved = new Set(changed.flat());
  const isMoved = (ids) => ids.some((id) => moved.has(id));
  const first = events.slice(0, place).filter((ids) => !isMoved(ids)).length;
  const rest = events.filter((ids) => !isMoved(ids));
  events = [...rest.slice(0, first), ...changed, ...rest.slice(first)];
  await open(first);
  announce(words);
}

function split() {
  if (current === 0) return announce(say("no-split"));
  const { id } = event.photos[current];
  return regroup("split", { photo: id }, () => post("merge", { event: id }), say("was-split"));
}

function merge() {
  if (!event.before) return announce(say("no-merge"));
  const [{ id }] = event.photos;
  return regroup("merge", { event: id }, () => post("split", { photo: id }), say("was-merged"));
}

// Offer a name again.
function remember({ kind = "animal", name: english, scientific_name: latin, typed }) {
  if (kind !== "animal" || latin === ANIMALS) return;
  const known = recent.findIndex((each) => (each.scientific_name ?? each.name) === (latin ?? typed));
  if (known >= 0) recent.splice(known, 1);
  recent.unshift({ name: english ?? typed, scientific_name: latin });
}

function name(observation) {
  remember(observation);
  search.close();
  if (form.isOpen()) return form.rename(observation);
  return review({ observations: [form.asSent(observation)] }, called({ ...observation, name: observation.name ?? observation.typed }));
}

function accept() {
  if (form.isOpen()) return save();
  targets().flatMap(form.answerOf).forEach(remember);
  return review({ accept: true }, say("accepted"));
}

function save() {
  if (form.lacksName()) throw new Error(say("which"));
  const observations = form.drafted();
  details = observations; // for the other photos of the event
  return review({ observations: observations.map(form.asSent) }, observations.map(form.described).join("; "));
}

function begin() {
  const photo = event.photos[current];
  if (!form.isOpen()) form.begin(mine(photo)?.observations ?? details ?? form.answerOf(photo));
}

function openDetails() {
  begin();
  form.focus();
}

function another() {
  begin();
  form.another();
  announce(say("which"));
}

function step(by, { selects = false } = {}) {
  const next = Math.min(Math.max(current + by, 0), event.photos.length - 1);
  if (selects) range(next);
  else anchor = next;
  current = next;
  show();
}

function range(to) {
  selection.clear();
  for (let number = Math.min(anchor, to); number <= Math.max(anchor, to); number += 1) selection.add(number);
}

function toggle(number = current) {
  if (!selection.delete(number)) selection.add(number);
  anchor = number;
  show();
}

function clicked(number, how) {
  if (how.extends) range(number);
  current = number;
  if (how.toggles) toggle(number);
  else {
    if (!how.extends) anchor = number;
    show();
  }
}

function all() {
  if (selection.size === event.photos.length) selection.clear();
  else for (const number of event.photos.keys()) selection.add(number);
  show();
}

function escape() {
  if (search.isOpen()) search.close();
  else if (form.isOpen()) form.drop();
  else selection.clear();
  show();
}

const showResults = () => results.show(say(!events.length ? "nothing" : events.every(isDone) ? "finished" : "so-far", { count: events.length }), (ids) => {
  revisits = true;
  for (const id of ids) reviewed.delete(id);
  events = ids.map((id) => [id]);
  return open(0);
});

const said = (kind) => () => review({ observations: [{ kind }] }, say(`kind.${kind}`));
const ofEvent = {
  accept, name, save, details: openDetails, another, split, merge, all, escape, toggle: () => toggle(),
  candidate: (number) => choices[number] && name(choices[number]),
  search: () => search.open(event, (found) => run("name", found)),
  blank: said("blank"), unknown: said("unknown"), person: () => name({ kind: "human" }), vehicle: () => name({ kind: "vehicle" }),
  left: () => step(-1), right: () => step(1),
  "select-left": () => step(-1, { selects: true }), "select-right": () => step(1, { selects: true }),
  larger: picture.nearer, smaller: picture.farther, reset: picture.reset, boxes: picture.toggleBoxes,
  brighter: () => picture.light("brightness", 1.25), darker: () => picture.light("brightness", 0.8),
  harder: () => picture.light("contrast", 1.25), flatter: () => picture.light("contrast", 0.8),
};

// While the results cover the event, a key shows it again and says nothing about it.
const ifSeen = (action) => (...given) => {
  if (!event) return undefined;
  return results.areShown() ? results.hide() : action(...given);
};

const run = listen({
  ...Object.fromEntries(Object.entries(ofEvent).map(([key, action]) => [key, ifSeen(action)])),
  undo, keys: showKeys, previous: () => open(place - 1), next: () => open(place + 1),
  results: () => (results.areShown() && event ? results.hide() : showResults()),
}, (error) => (error.status === CONFLICT ? open(place, current).catch(explain) : explain(error)));

fill();
form.offer(queue.values);
$("details").addEventListener("submit", (submitted) => { submitted.preventDefault(); document.activeElement.blur(); run("save"); });
$("drop").addEventListener("click", form.remove);
picture.listen({ swipe: step, fail: () => announce(say("picture-gone")) });
await open(0);
