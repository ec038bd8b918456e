// Fetch data from the server, or from the page itself if it is a static file.

const embedded = document.getElementById("data");

export const isStatic = embedded !== null;

export async function fetchData(path, parameters = {}) {
  if (isStatic) return JSON.parse(embedded.textContent);
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value));
  const response = await fetch(`data/${path}?${query}`, { signal: AbortSignal.timeout(60000) });
  const body = await response.json();
  if (!response.ok) throw new Error(body.detail ?? `the server responded with status ${response.status}`);
  return body;
}

export const address = (name) => (isStatic ? `${name || "index"}.html` : name || "./");
