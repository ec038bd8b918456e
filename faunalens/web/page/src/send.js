// Send a request with a timeout. A photo goes by XMLHttpRequest, because `fetch` does not report progress.

import { Problem } from "./problem.js";

const TIMEOUT = 35_000; // ms; API Gateway times out after 29 s
const SLOWEST = 125; // bytes per ms: 1 Mbit/s, at which a photo of 4.5 MB takes 36 s

/**
 * Send a request and read its response, with a timeout for both. Every failure is a `Problem`, unless `signal` aborts.
 * @param {{signal?: AbortSignal, size?: number, onProgress?: (share: number) => void}} request  also the options of
 *   `fetch`. `size`: bytes of the body. `onProgress`: called with the share of the body that was sent, 0 to 1
 * @param {(response: Response) => any} read
 */
export async function send(path, { signal, size = 0, ...request }, read) {
  signal?.throwIfAborted(); // cancelled before a second attempt
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), TIMEOUT + size / SLOWEST);
  const abort = () => timeout.abort();
  signal?.addEventListener("abort", abort);
  try {
    const sent = { ...request, signal: timeout.signal };
    return await read(await (request.body ? upload(path, sent) : fetch(path, sent)));
  } catch (error) {
    if (error instanceof Problem || signal?.aborted) throw error;
    throw new Problem(timeout.signal.aborted ? "timeout" : navigator.onLine ? "unreachable" : "offline");
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}

/** Like `fetch`, with progress. */
function upload(path, { method, headers = {}, body, signal, onProgress }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, path);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded, total }) => onProgress?.(total ? loaded / total : 1);
    request.onload = () => {
      const lines = request.getAllResponseHeaders().trim().split("\r\n").filter(Boolean);
      const found = lines.map((line) => line.split(": ", 2));
      resolve(new Response(request.responseText || null, { status: request.status, headers: found }));
    };
    request.onerror = request.onabort = () => reject(new TypeError("the request did not complete"));
    signal.addEventListener("abort", () => request.abort());
    request.send(body);
  });
}
