// What survives a reload of the tab: the answer, and the photos as they were sent. It ends with the tab.

const NAME = "answer-2"; // in sessionStorage; the number changes with what answers contain
const MOST_BYTES = 3_000_000; // of photos; browsers keep about 5 MB as text
let encoded = { prepared: null, photos: [] }; // the photos that were saved last
let latest = 0; // the number of the last call of `save` or `clear`. Reading a photo takes a while; a later one may be quicker

/**
 * Save the state of the page, unless it is saved again or cleared meanwhile. Photos that are too large are left out.
 * @param {{answer: object, place: object | null}} current
 * @param {Promise<{blob: Blob, position: object | null, month: string | null}[]> | null} prepared  null: no photos
 */
export async function save(current, prepared) {
  latest += 1;
  const number = latest;
  if (prepared !== encoded.prepared) {
    if (!write({ current, photos: [] })) return; // the answer at once: reading photos takes a while
    const photos = (await prepared) ?? [];
    const size = photos.reduce((sum, { blob }) => sum + blob.size, 0);
    const kept = size > MOST_BYTES ? [] : await Promise.all(photos.map(encode)).catch(() => []);
    if (number !== latest) return;
    encoded = { prepared, photos: kept };
  } // the same photos need no time, so that a reload right after a change does not undo it
  if (!write({ current, photos: encoded.photos })) write({ current, photos: [] });
}

/** Return {current, photos: {blob, position, month}[]} of before the reload, or null. */
export async function restore() {
  try {
    const { current, photos } = JSON.parse(sessionStorage.getItem(NAME));
    return { current, photos: await Promise.all(photos.map(decode)) };
  } catch {
    clear(); // there was none, or one of another version of the page
    return null;
  }
}

export function clear() {
  latest += 1;
  try {
    sessionStorage.removeItem(NAME);
  } catch {
    // The browser forbids it, so there is nothing to remove.
  }
}

function write(state) {
  try {
    sessionStorage.setItem(NAME, JSON.stringify(state));
    return true;
  } catch {
    clear(); // of an earlier photo
    return false;
  }
}

function encode({ blob, ...exif }) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve({ url: reader.result, ...exif });
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}

/** A data URL back to a photo. `fetch` may not read one under this page's policy. */
function decode({ url, ...exif }) {
  const [, type, text] = /^data:(.*?);base64,(.*)$/s.exec(url);
  return { blob: new Blob([Uint8Array.from(atob(text), (each) => each.charCodeAt(0))], { type }), ...exif };
}
