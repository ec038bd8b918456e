// The panel of the photo: ways to choose one or several of the same animal, and what was chosen.

import { $, make, placeholder } from "./elements.js";
import { say } from "./language.js";
import { filesIn } from "./dropped.js";
import { guessInWords } from "./words.js";

export const MOST_PHOTOS = 5; // the API's limit

export class Preview {
  #files = [];
  #urls = [];

  /** `choose` is called with the files of one animal, and whether some were shown before; `refuse` with the code of a problem. */
  constructor({ choose, refuse }) {
    for (const id of ["pick", "take", "more", "folder"]) {
      $(id).addEventListener("change", ({ target }) => {
        const chosen = [...target.files];
        target.value = ""; // so that choosing the same photo again fires the event
        const isMore = id === "more";
        if (chosen.length) choose(isMore ? [...this.#files, ...chosen].slice(0, MOST_PHOTOS) : chosen, isMore);
      });
    }
    addEventListener("dragover", (event) => {
      if (!isPhoto(event.dataTransfer)) return; // a text goes to a field
      event.preventDefault();
      document.body.classList.add("dragging");
    });
    addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) document.body.classList.remove("dragging");
    });
    addEventListener("drop", async (event) => {
      if (!isPhoto(event.dataTransfer)) return;
      event.preventDefault();
      document.body.classList.remove("dragging");
      if (event.dataTransfer.files.length) choose(await filesIn(event.dataTransfer));
      else refuse("link");
    });
    addEventListener("paste", ({ clipboardData }) => clipboardData.files.length && choose([...clipboardData.files]));
    for (const id of ["picture", "beside"]) $(id).addEventListener("error", () => this.#showPicture(false));
    $("folder-label").hidden = !("webkitdirectory" in $("folder"));
  }

  /** Take what was chosen before this script was loaded. */
  takeEarly() {
    for (const id of ["pick", "take", "folder"]) if ($(id).files.length) $(id).dispatchEvent(new Event("change"));
  }

  /** Show the chosen photos: one large, several as a row, none for a grid elsewhere. */
  show(files) {
    this.#files = files;
    this.#urls.forEach((url) => URL.revokeObjectURL(url));
    this.#urls = files.map((file) => URL.createObjectURL(file));
    const isOne = files.length === 1;
    $("preview").hidden = !isOne;
    $("file-name").textContent = (isOne && files[0].name) || "";
    this.#showPicture(isOne);
    for (const id of ["picture", "beside"]) {
      if (isOne) $(id).src = this.#urls[0];
      else $(id).removeAttribute("src");
    }
    $("photos").hidden = files.length < 2;
    $("photos").replaceChildren(...(files.length < 2 ? [] : files.map((file, i) => photoRow(file, this.#urls[i], i))));
    $("pick-label").textContent = say("pick.another");
    $("more-label").hidden = files.length === 0 || files.length >= MOST_PHOTOS;
    $("split").hidden = files.length < 2;
  }

  /** Show the server's picture of a photo that this browser cannot decode, or that is gone. `url`: of its result. */
  showThumbnail(url) {
    if (!url || $("frame").hidden === false || this.#files.length > 1) return;
    $("preview").hidden = false;
    this.#showPicture(true);
    for (const id of ["picture", "beside"]) $(id).src = `${url}.jpg`; // if it fails, there is no picture
  }

  /** Show what each of several photos shows by itself. */
  showGuesses(guesses) {
    [...$("photos").children].forEach((row, i) => {
      row.lastChild.textContent = guesses[i] ? guessInWords(guesses[i]) : "";
      row.classList.toggle("disagrees", guesses[i]?.agrees === false);
    });
  }

  #showPicture(isShown) {
    $("frame").hidden = $("beside").hidden = !isShown;
    $("no-picture").hidden = isShown;
  }
}

/** Whether what is dragged may be a photo, or is a link that might be taken for one. */
function isPhoto({ types }) {
  return types.includes("Files") || types.includes("text/uri-list");
}

function photoRow(file, url, i) {
  const row = make("li");
  const name = say("photo", { number: i + 1 });
  const picture = make("img", "", { src: url, alt: name });
  picture.addEventListener("error", () => picture.replaceWith(Object.assign(placeholder(file), { role: "img", ariaLabel: name })));
  row.append(picture, make("span"));
  return row;
}
