// The device that answers without signal: its files, what it says of photos, and what waits for the server.

import { say, percent } from "../language.js";
import { Problem, inWords } from "../problem.js";
import * as files from "./files.js";
import * as outbox from "./outbox.js";
import { forgetPage, keepPage } from "./shell.js";
import workerScript from "./offline/worker.js?later";

const READY = "offline"; // in localStorage: set while all files are here
const base = document.baseURI;
const $ = (id) => document.getElementById(id);
let worker = null;
let fetching = null; // an AbortController while files are fetched
let offer = null; // what the server offers
let open = null; // shows an answer that waits

/**
 * Identify photos on this device, and let the answer wait for the server.
 * @param {Blob[]} photos
 * @param {{place: object | null, month?: string}} wanted
 * @param {{id: number} | undefined} before  an answer of this device to the same photos, which this one replaces
 */
export async function identify(photos, { place, month }, before) {
  const answer = await ask({ photos, place: place && { latitude: place.latitude, longitude: place.longitude } });
  const keep = async () => {
    if (before?.id !== undefined) await outbox.forget(before.id);
    return outbox.keep({ photos, place, month, answer, at: new Date() });
  };
  const id = await keep().catch(reportError); // it is an answer all the same
  await showWaiting().catch(reportError);
  return { ...answer, device: { id } };
}

/** Forget an answer that the server has now given itself. */
export async function settle({ id }) {
  if (id !== undefined) await outbox.forget(id);
  await showWaiting();
}

/** Fill the part of the page about answers without signal. `onOpen`: shows an answer that waits, with its photos. */
export async function show(onOpen) {
  open = onOpen;
  $("offline-get").onclick = get;
  $("offline-stop").onclick = () => fetching?.abort();
  $("offline-forget").onclick = forget;
  await Promise.all([showFiles(), showWaiting()]);
}

/** Keep the page as it is now, if this device answers without signal. */
export function refresh() {
  return keepPage();
}

/** Show whether the files are here, and what the server offers. */
async function showFiles(said = "") {
  const list = await files.kept(base);
  remember(list);
  offer = await files.offered(base).catch(() => undefined); // without signal, what is here counts
  const isNew = Boolean(offer) && offer.version !== list?.version;
  const wanted = isNew ? await files.missing(base, offer) : [];
  const share = isNew ? wanted.reduce((sum, { bytes }) => sum + bytes, 0) / offer.bytes : 0;
  const size = isNew ? inMegabytes(share * offer.gzip_bytes) : 0;
  $("offline-get").hidden = !isNew || Boolean(fetching);
  $("offline-get").textContent = isNew ? say(list ? "offline.update" : "offline.get", { size }) : "";
  $("offline-stop").hidden = $("offline-stripe").hidden = !fetching;
  $("offline-forget").hidden = !list || Boolean(fetching);
  const state = list ? say("offline.ready", { size: inMegabytes(list.gzip_bytes) }) : "";
  const reason = offer === null ? say("offline.none") : offer ? "" : inWords(new Problem("unreachable"));
  $("offline-status").textContent = said || (list ? [state, isNew && say("offline.newer")].filter(Boolean).join(" ") : reason);
}

function inMegabytes(bytes) {
  return Math.max(1, Math.round(bytes / 1e6));
}

/** Fetch the files and keep the page, so that both open without signal. */
async function get() {
  fetching = new AbortController();
  showShare(0);
  $("offline-get").hidden = $("offline-forget").hidden = true;
  $("offline-stop").hidden = $("offline-stripe").hidden = false;
  let said = "";
  try {
    navigator.storage?.persist?.().catch(() => {}); // against clearing; Firefox asks the person, who need not answer
    await files.fetchAll(base, offer, fetching.signal, showShare);
    await keepPage();
    stopWorker(); // it has the former files
  } catch (problem) {
    if (!fetching.signal.aborted) said = inWords(problem.code ? problem : new Problem("unreachable"));
  }
  fetching = null;
  await showFiles(said);
}

function showShare(share) {
  $("offline-stripe").style.setProperty("--share", share);
  $("offline-status").textContent = say("offline.fetching", { share: percent(Math.floor(share * 100) / 100) });
}

async function forget() {
  stopWorker();
  await Promise.all([files.forget(), forgetPage()]);
  await showFiles();
}

/** Show what waits for the server, where it is looked at. */
async function showWaiting() {
  if (!open) return;
  const items = await outbox.waiting();
  $("outbox").hidden = !items.length;
  $("outbox-list").replaceChildren(...items.map(row));
}

function row(item) {
  const listed = document.createElement("li");
  const picture = Object.assign(new Image(48, 48), { alt: "", src: URL.createObjectURL(item.photos[0]) });
  picture.onload = picture.onerror = () => URL.revokeObjectURL(picture.src);
  const name = item.answer.prediction?.name ?? say(`subject.${item.answer.subject}`);
  const date = item.at.toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
  const [show, remove] = ["offline.show", "history.delete"].map((key) => button(say(key), `${say(key)}: ${name}, ${date}`));
  show.onclick = () => open({ ...item, answer: { ...item.answer, device: { id: item.id } } });
  remove.onclick = async () => {
    await outbox.forget(item.id);
    await showWaiting();
    $("offline").firstElementChild.focus();
  };
  const text = document.createElement("div");
  text.append(`${name} · ${date}`);
  listed.append(picture, text, show, remove);
  return listed;
}

function button(textContent, ariaLabel) {
  return Object.assign(document.createElement("button"), { type: "button", className: "small", textContent, ariaLabel });
}

/** Ask the worker, which starts with the first photo. Throws a `Problem`. */
function ask(message) {
  worker ??= new Worker(new URL(workerScript, import.meta.url), { type: "module" });
  return new Promise((resolve, reject) => {
    const id = Math.random();
    const fail = (code, detail) => {
      stopWorker();
      if (code === "damaged") remember(null);
      reject(new Problem(code, detail));
    };
    const answered = ({ data }) => {
      if (data.id !== id) return;
      worker?.removeEventListener("message", answered);
      if (data.answer) resolve(data.answer);
      else fail(data.code, data.detail);
    };
    worker.addEventListener("message", answered);
    worker.addEventListener("error", ({ message: detail }) => fail("internal", detail ?? ""), { once: true });
    worker.postMessage({ id, ...message });
  });
}

function stopWorker() {
  worker?.terminate();
  worker = null;
}

/** Note for the page's first script whether this device can answer. */
function remember(list) {
  try {
    if (list) localStorage.setItem(READY, list.version);
    else localStorage.removeItem(READY);
  } catch {
    // The browser forbids it: then nothing can be kept either.
  }
}
