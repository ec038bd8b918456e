// Rows in this browser's IndexedDB: photos and answers, which are too large for localStorage.

/** A database with one store of rows. It is opened for each request: phones cut the connection of a page in the background. */
export class Stored {
  #database;
  #store;
  #options;

  /** `options`: of the store, as for `createObjectStore`. */
  constructor(database, store, options = {}) {
    [this.#database, this.#store, this.#options] = [database, store, options];
  }

  /** Run one request on the store. Return its result when that is on the disk. */
  async ask(mode, request) {
    const database = await this.#opened();
    try {
      return await new Promise((resolve, reject) => {
        const transaction = database.transaction(this.#store, mode);
        const asked = request(transaction.objectStore(this.#store));
        transaction.oncomplete = () => resolve(asked.result);
        transaction.onabort = () => reject(transaction.error); // follows each error, which it knows only now
      });
    } finally {
      database.close();
    }
  }

  /** The same, but null if the browser forbids or lacks it. */
  within(mode, request) {
    return this.ask(mode, request).catch(() => null);
  }

  /** Return all rows, each as its key and value. */
  async rows() {
    let keys;
    const values = await this.ask("readonly", (table) => {
      keys = table.getAllKeys();
      return table.getAll();
    });
    return values.map((value, i) => [keys.result[i], value]);
  }

  #opened() {
    return new Promise((resolve, reject) => {
      const request = indexedDB.open(this.#database, 1);
      request.onupgradeneeded = () => request.result.createObjectStore(this.#store, this.#options);
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  }
}
