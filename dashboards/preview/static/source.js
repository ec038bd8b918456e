// Fetch data from the server.

export async function fetchData(path, parameters = {}) {
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value));
  const response = await fetch(`data/${path}?${query}`, { signal: AbortSignal.timeout(60000) });
  const body = await response.json();
  if (!response.ok) throw new Error(body.detail ?? `the server responded with status ${response.status}`);
  return body;
}

export const address = (name) => name || "./";
