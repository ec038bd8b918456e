// Have the server keep the current answer: only when the person shares it, or sends what they say of it.

import { correct, identify } from "./api.js";
import { note } from "./noting.js";
import { Problem } from "./problem.js";
import { observation } from "./results.js";

/** Return how many people are in a photo; null if nobody has looked for them. */
function peopleIn({ subject, people }) {
  return subject === "person" ? 1 : (people?.count ?? null);
}

export class Keeper {
  #shown;
  #onKept;
  #finder;

  /**
   * @param {() => {current: object, photos: Promise<object[]>}} shown  returns what is shown
   * @param {(current: object) => void} onKept  called when an answer was kept
   * @param {{isThere: boolean}} finder  whether the server has a detector, as far as is known
   */
  constructor({ shown, onKept, finder }) {
    [this.#shown, this.#onKept, this.#finder] = [shown, onKept, finder];
  }

  /** Return how many people are in the photo; null if nothing can look. */
  async countPeople() {
    const { current } = this.#shown();
    const known = peopleIn(current.answer);
    if (known !== null || !(await this.#canLook())) return known;
    return peopleIn(await this.#ask({ boxes: true }));
  }

  /**
   * Have the server keep the answer, for which the photos are sent once more. What the person has said of it is sent, too.
   * @param {"true" | "picture" | "answer"} which  with the picture unless people are found in it, with it, or without
   */
  async keep(which) {
    const { current } = this.#shown();
    const { result } = await this.#askToKeep(which);
    if (!result) throw new Problem("unavailable");
    current.answer.result = result;
    current.observation = note(current, { results: [result, ...(observation(current.observation)?.results ?? [])] });
    const { said, taxon } = observation(current.observation) ?? {};
    try {
      if (!said) return result;
      await correct(result, taxon);
      note(current, { sent: true });
      return result;
    } finally {
      this.#onKept(current);
    }
  }

  async #askToKeep(which) {
    if (which !== "true") return this.#ask({ keep: which });
    if (!(await this.#canLook())) return this.#ask({ keep: "answer" });
    try {
      return await this.#ask({ keep: which, boxes: true });
    } catch (problem) {
      if (problem.code !== "bad_request") throw problem;
      this.#finder.isThere = false;
      return this.#ask({ keep: "answer" });
    }
  }

  async #canLook() {
    return this.#finder.isThere && (await this.#shown().photos).length === 1;
  }

  /** Ask about the current photos once more, with further wishes. */
  async #ask(wishes) {
    const { current, photos } = this.#shown();
    const prepared = await photos;
    const month = prepared.map((photo) => photo.month).find(Boolean);
    const wanted = { place: current.place, month, boxes: false, ...wishes };
    const blobs = prepared.map(({ blob }) => blob);
    return identify(blobs, wanted, new AbortController().signal, () => {});
  }
}
