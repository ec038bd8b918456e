// What was identified without signal and waits until the person asks the server: photos, place and answer, in this browser.

const NAME = "faunalens-outbox";
const STORE = "answers";

/** Keep an answer of this device. Return its number. `item`: {photos: Blob[], place, month, answer, at: Date}. */
export function keep(item) {
  return change((store) => store.add(item));
}

/** Return what waits, the latest first, each with its number as `id`. */
export async function waiting() {
  const [ids, items] = await Promise.all([change((store) => store.getAllKeys(), "readonly"), change((store) => store.getAll(), "readonly")]);
  return items.map((item, i) => ({ ...item, id: ids[i] })).reverse();
}

/** Forget an answer, because the server has been asked or the person does not want it. */
export function forget(id) {
  return change((store) => store.delete(id));
}

/** Run one request on the store, and return its result when it is on the disk. */
async function change(request, mode = "readwrite") {
  const database = await opened();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(STORE, mode);
      const asked = request(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(asked.result);
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}

function opened() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { autoIncrement: true });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
