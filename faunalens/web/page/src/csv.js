// Rows of cells as CSV (RFC 4180), for spreadsheets.

/** Return rows of cells as CSV, with the mark by which spreadsheets know UTF-8. */
export function csv(rows) {
  return `\ufeff${rows.map((row) => row.map(quoted).join(",")).join("\r\n")}\r\n`;
}

/** Return the rows of cells in a CSV file. An apostrophe that `csv` put before a formula goes. */
export function rowsOf(text) {
  const cells = text.replace(/^\ufeff/, "").matchAll(/("(?:[^"]|"")*"|[^,"\r\n]*)(,|\r\n|\n|\r|$)/gy);
  const rows = [[]];
  for (const [, cell, end] of cells) {
    const plain = cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell;
    rows.at(-1).push(plain.replace(/^'(?=[=+\-@\t\r])/, ""));
    if (end === "") break;
    if (end !== ",") rows.push([]);
  }
  return rows.filter((row) => row.length > 1 || row[0] !== "");
}

/** A cell that begins like a formula gets an apostrophe, so that a spreadsheet does not run it. */
function quoted(value) {
  const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : `${value}`;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
