// The person's list of animals: what was seen when and where, with notes; as files to take along, and back from them.

import { deleteResult } from "./api.js";
import { $, make } from "./elements.js";
import { dateInWords, say } from "./language.js";
import { FORMATS, parse } from "./observation_files.js";
import { inWords } from "./problem.js";
import { MOST, forget, lasts, observations, record, setLasting } from "./results.js";
import { keptThumbnails, sweep } from "./thumbnails.js";

const MOST_BYTES = 5_000_000; // of a file

export class List {
  #onDeleted;
  #onChanged;

  /** `onDeleted`: called with the observations that were deleted. `onChanged`: called when the list has changed. */
  constructor(onDeleted, onChanged) {
    [this.#onDeleted, this.#onChanged] = [onDeleted, onChanged];
    $("lasting").checked = lasts();
    $("lasting").addEventListener("change", () => {
      setLasting($("lasting").checked);
      onChanged();
    });
    $("delete-all").addEventListener("click", () => confirm(say("history.really")) && this.#delete(observations()));
    $("load-list").addEventListener("change", ({ target }) => this.#load(target));
    for (const [format, { name, media, write }] of Object.entries(FORMATS)) {
      const button = make("button", name, { type: "button", className: "small" });
      button.addEventListener("click", () => save(`faunalens.${format}`, media, write(observations())));
      $("list-formats").append(button);
    }
    for (const id of ["lasting", "load-list"]) $(id).disabled = false; // from now on somebody listens
  }

  /** Show the list as it is now. */
  show() {
    const entries = observations();
    $("delete-all").hidden = entries.length < 2;
    $("list-export").hidden = !entries.length;
    $("list-empty").hidden = entries.length > 0;
    const copies = keptThumbnails();
    $("history-list").replaceChildren(...entries.map((entry) => this.#row(entry, copies)));
    sweep(entries);
  }

  #row(entry, copies) {
    const { taxon, said, answered, date, where, count, note, results, added } = entry;
    const row = make("li");
    const text = make("div");
    const name = make("b", taxon.name);
    const facts = [date && dateInWords(date), where, count > 1 && say("list.times", { count }), note].filter(Boolean);
    text.append(name, make("span", facts.join(" · "), { className: "quiet" }));
    if (said === "corrected") text.append(make("span", say("said.answered", { answer: answered }), { className: "quiet" }));
    const [result] = results;
    showPicture(row, entry, copies);
    if (result) {
      const link = make("a", say("list.shared", { date: dateInWords(result.expires) }), { href: result.url, target: "_blank", rel: "noreferrer" });
      text.append(link);
    }
    if (!lasts()) text.append(make("span", say("history.until", { date: dateInWords(Date.parse(added) + 30 * 86_400_000) }), { className: "quiet" }));
    row.append(text, this.#buttons(entry, row));
    return row;
  }

  #buttons(entry, row) {
    const title = entry.taxon.name;
    const edit = make("button", say("list.edit"), { type: "button", className: "small" });
    edit.ariaLabel = say("list.edit-one", { title });
    edit.addEventListener("click", () => row.replaceWith(this.#form(entry)));
    const remove = make("button", say("history.delete"), { type: "button", className: "small" });
    remove.ariaLabel = say("history.delete-one", { title });
    remove.addEventListener("click", () => this.#delete([entry]));
    const both = make("p", "", { className: "row-buttons" });
    both.append(edit, remove);
    return both;
  }

  /** Return a row with fields for date, number and note. */
  #form(entry) {
    const row = make("li");
    const form = make("form", "", { className: "field edit" });
    const field = (key, attributes) => {
      const label = make("label", say(`list.${key}`));
      const input = make("input", "", attributes);
      label.append(input);
      form.append(label);
      return input;
    };
    const isDay = /^\d{4}-\d\d-\d\d$/.test(entry.date);
    const date = field("date", { type: "date", value: isDay ? entry.date : "" });
    const count = field("count", { type: "number", min: 1, max: 1_000_000, value: entry.count, required: true });
    const note = field("note", { maxLength: 500, value: entry.note });
    form.append(make("button", say("list.save"), { className: "small primary" }));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      record({ ...entry, date: date.value || (isDay ? "" : entry.date), count: Number(count.value) || 1, note: note.value.trim() });
      this.#onChanged();
      $("history-summary").focus();
    });
    row.append(make("b", entry.taxon.name), form);
    queueMicrotask(() => date.focus());
    return row;
  }

  async #delete(entries) {
    $("history-status").textContent = "";
    for (const { id, results } of entries) {
      try {
        for (const result of results) await deleteResult(result);
      } catch (problem) {
        $("history-status").textContent = inWords(problem);
        break;
      }
      forget(id);
      this.#onDeleted(id);
    }
    this.#onChanged();
    $("history-summary").focus();
  }

  /** Add the observations of a file that are not in the list yet. */
  async #load(input) {
    const [file] = input.files;
    input.value = "";
    if (!file) return;
    const found = file.size > MOST_BYTES ? [] : parse(await file.text());
    const known = new Set(observations().map(({ id }) => id));
    const fresh = found.filter(({ id }) => !known.has(id));
    const added = fresh.filter((each) => record(each)).length;
    if (added) setLasting(($("lasting").checked = true)); // what was saved to be loaded again is meant to stay
    const words = !found.length ? say("list.unreadable") : added < fresh.length ? say("list.full", { count: MOST }) : say("list.loaded", { count: added });
    $("history-status").textContent = words;
    this.#onChanged();
  }
}

/** Put the picture of an observation before its words: the copy on this device, or else the one that was shared. */
async function showPicture(row, { id, results: [result] }, copies) {
  const copy = (await copies).get(id);
  if (!copy && !result) return;
  const picture = make("img", "", { src: copy ? URL.createObjectURL(copy) : `${result.url}.jpg`, alt: "", loading: "lazy", width: 48, height: 48 });
  for (const end of ["load", "error"]) picture.addEventListener(end, () => URL.revokeObjectURL(picture.src));
  picture.addEventListener("error", () => picture.remove());
  row.prepend(picture);
}

function save(name, type, text) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  make("a", "", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
