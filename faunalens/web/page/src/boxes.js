// Every animal in the photo: boxes on the picture and a list, each of which shows the answer for its animal.

import { $, make } from "./elements.js";
import { say } from "./language.js";
import { alsoSeen, countOfAnimals, sureInWords } from "./words.js";

export class Boxes {
  #buttons = []; // for each animal, those that show it; the last ones show the whole photo
  #select;

  /** @param {(answer: object, number: number | null) => void} select  called with the answer for one animal, by its number in the list, or for the whole photo */
  constructor(select) {
    this.#select = select;
  }

  /** Show the boxes of an answer; without boxes, nothing. */
  show(answer) {
    const { animals, people, vehicles } = answer;
    $("every").hidden = !animals;
    $("boxes").replaceChildren();
    $("every-list").replaceChildren();
    this.#buttons = [];
    if (!animals) return showFocus(answer.focus);
    $("every-heading").textContent = countOfAnimals(animals.length);
    $("also-seen").textContent = alsoSeen(people?.count ?? 0, vehicles?.count ?? 0);
    const others = [...(people?.boxes ?? []), ...(vehicles?.boxes ?? [])];
    $("boxes").append(...others.map((box) => placed(make("span", "", { className: "other" }), box)));
    animals.forEach((animal, i) => this.#addAnimal(answer, animal, i));
    if (animals.length) this.#addWholePhoto(answer);
  }

  #addAnimal(answer, { box, prediction }, i) {
    const name = prediction?.name ?? say("subject.animal");
    const own = answerFor(answer, i);
    const onPhoto = placed(this.#button(own, "", i), box);
    onPhoto.append(make("span", `${i + 1}`));
    onPhoto.ariaLabel = say("every.animal", { number: i + 1, name });
    const inList = this.#button(own, `${i + 1}. ${prediction ? say("guess", { name, sure: sureInWords(prediction.sure) }) : name}`, i);
    this.#buttons.push([onPhoto, inList]);
    $("boxes").append(onPhoto);
    this.#addToList(inList);
  }

  #addWholePhoto(answer) {
    const button = this.#button(answer, say("every.whole"));
    button.ariaPressed = "true";
    this.#buttons.push([button]);
    this.#addToList(button);
  }

  #addToList(button) {
    const row = make("li");
    row.append(button);
    $("every-list").append(row);
  }

  #button(answer, text, number = null) {
    const button = make("button", text, { type: "button", ariaPressed: "false" });
    button.addEventListener("click", () => {
      for (const group of this.#buttons) for (const each of group) each.ariaPressed = String(group.includes(button));
      this.#select(answer, number);
    });
    return button;
  }
}

/** Return the answer for one animal in the photo. */
export function answerFor(answer, number) {
  const { prediction, candidates, perhaps = [] } = answer.animals[number];
  return { ...answer, prediction, candidates, perhaps, subject: "animal", why_not: null, reasons: [] };
}

/** Show where the models looked a second time, if they did. */
function showFocus(box) {
  const words = say("focus");
  if (box) $("boxes").append(placed(make("span", "", { className: "other", role: "img", ariaLabel: words, title: words }), box));
}

function placed(element, { x, y, width, height }) {
  const share = (value) => `${100 * value}%`;
  Object.assign(element.style, { left: share(x), top: share(y), width: share(width), height: share(height) });
  return element;
}
