// The lists of places, which are loaded when somebody looks for one: the longer list only if the first is not enough.

import { Gazetteer } from "./gazetteer.js";
import first from "./places.txt";
import more from "./places-more.txt";

const WITHOUT_PAUSE = 30; // ms

export class PlaceLists {
  #gazetteer = new Gazetteer([...new Set([document.documentElement.lang, ...navigator.languages, "en"])]);
  #loads = new Map(); // the promise of each list, by its address

  /** Load the first list. Rejects if that fails; the next call then tries again. */
  async load() {
    return this.#load(first, true);
  }

  /** Load the longer list, too. */
  async loadMore() {
    await this.load();
    return this.#load(more, false);
  }

  get isComplete() {
    return this.#loads.get(more) === true;
  }

  /** Search the lists that are loaded; see `Gazetteer.search`. */
  search(text, most) {
    return this.#gazetteer.search(text, most);
  }

  #load(address, withAreas) {
    if (!this.#loads.has(address)) this.#loads.set(address, this.#fetch(address, withAreas));
    return this.#loads.get(address);
  }

  async #fetch(address, withAreas) {
    try {
      const response = await fetch(new URL(address, import.meta.url));
      if (!response.ok) throw new Error(`${address} was answered with ${response.status}`);
      await this.#add(await response.text(), withAreas);
      this.#loads.set(address, true);
    } catch (error) {
      this.#loads.delete(address);
      throw error;
    }
  }

  /** Add a list country by country, with pauses, so that one can type meanwhile on a slow phone. */
  async #add(text, withAreas) {
    let since = performance.now();
    for (const country of text.split(/(?<=\n)(?==)/)) {
      this.#gazetteer.add(country, withAreas);
      if (performance.now() - since < WITHOUT_PAUSE) continue;
      await new Promise((resolve) => setTimeout(resolve));
      since = performance.now();
    }
  }
}
