// The panel of the photo: ways to choose one or several of the same animal, and what was chosen.

import { $, make } from "./elements.js";
import { say } from "./language.js";
import { guessInWords } from "./words.js";

export const MOST_PHOTOS = 5; // the API's limit

export class Preview {
  #files = [];
  #urls = [];

  /** `choose` is called with the files of one animal; `refuse` with the code of a problem. */
  constructor({ choose, refuse }) {
    for (const id of ["pick", "take", "more"]) {
      $(id).addEventListener("change", ({ target }) => {
        const chosen = [...target.files];
        target.value = ""; // so that choosing the same photo again fires the event
        if (chosen.length) choose(id === "more" ? [...this.#files, ...chosen] : chosen);
      });
    }
    addEventListener("dragover", (event) => {
      event.preventDefault();
      document.body.classList.add("dragging");
    });
    addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) document.body.classList.remove("dragging");
    });
    addEventListener("drop", (event) => {
      event.preventDefault();
      document.body.classList.remove("dragging");
      if (event.dataTransfer.files.length) choose([...event.dataTransfer.files]);
      else if (event.dataTransfer.types.includes("text/uri-list")) refuse("link");
    });
    addEventListener("paste", ({ clipboardData }) => clipboardData.files.length && choose([...clipboardData.files]));
    $("picture").addEventListener("error", () => this.#showPicture(false));
  }

  /** Show the chosen photos: one large, several as a row. */
  show(files) {
    this.#files = files;
    this.#urls.forEach((url) => URL.revokeObjectURL(url));
    this.#urls = files.map((file) => URL.createObjectURL(file));
    const [file] = files;
    const isOne = files.length === 1;
    $("preview").hidden = !isOne;
    $("file-name").textContent = file.name ?? "";
    this.#showPicture(true);
    if (isOne) $("picture").src = this.#urls[0];
    else $("picture").removeAttribute("src");
    $("photos").hidden = isOne;
    $("photos").replaceChildren(...(isOne ? [] : this.#urls.map(photoRow)));
    $("pick-label").textContent = say("pick.another");
    $("more-label").hidden = files.length >= MOST_PHOTOS;
  }

  /** Show what each of several photos shows by itself. */
  showGuesses(guesses) {
    [...$("photos").children].forEach((row, i) => {
      row.lastChild.textContent = guesses[i] ? guessInWords(guesses[i]) : "";
      row.classList.toggle("disagrees", guesses[i]?.agrees === false);
    });
  }

  #showPicture(isShown) {
    $("frame").hidden = !isShown;
    $("no-picture").hidden = isShown;
  }
}

function photoRow(url, i) {
  const row = make("li");
  row.append(make("img", "", { src: url, alt: say("photo", { number: i + 1 }) }), make("span"));
  return row;
}
