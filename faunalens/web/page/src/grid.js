// The photos of a grid, for a reload of their tab and the way back: small copies and answers in IndexedDB. What a closed tab
// leaves there goes when the page is next opened.

import { Stored } from "./stored.js";

const TAB = "grid"; // in sessionStorage: the id of this tab's grid
const photos = new Stored("faunalens", "grid"); // by [tab, number]
const allOf = (tab) => IDBKeyRange.bound([tab], [tab, []]);

/** Begin a grid of this tab, without photos. */
export async function begin() {
  await end();
  const tab = `${Date.now()}-${Math.random()}`;
  try {
    sessionStorage.setItem(TAB, tab);
  } catch {
    return; // the browser forbids it: the grid ends with its page
  }
  hold(tab);
}

/** Forget the grid of this tab. */
export async function end() {
  const tab = tabOf();
  if (!tab) return;
  sessionStorage.removeItem(TAB);
  await photos.within("readwrite", (table) => table.delete(allOf(tab)));
}

/** Save a photo of the grid by its number. */
export async function put(number, photo) {
  const tab = tabOf();
  if (tab) await photos.within("readwrite", (table) => table.put(photo, [tab, number]));
}

/** Return the photos of this tab's grid in their order; none without one. */
export async function load() {
  const tab = tabOf();
  sweep(tab);
  if (!tab) return [];
  hold(tab);
  return (await photos.within("readonly", (table) => table.getAll(allOf(tab)))) ?? [];
}

function tabOf() {
  try {
    return sessionStorage.getItem(TAB);
  } catch {
    return null;
  }
}

/** Hold a lock as long as the tab is open, by which others know that it is. */
function hold(tab) {
  navigator.locks?.request(`grid-${tab}`, () => new Promise(() => {}));
}

/** Delete the grids of tabs that are closed. */
async function sweep(own) {
  if (!navigator.locks) return;
  const { held } = await navigator.locks.query();
  const open = new Set([own, ...held.map(({ name }) => name.replace(/^grid-/, ""))]);
  for (const tab of new Set(((await photos.within("readonly", (table) => table.getAllKeys())) ?? []).map(([each]) => each))) {
    if (!open.has(tab)) await photos.within("readwrite", (table) => table.delete(allOf(tab)));
  }
}
