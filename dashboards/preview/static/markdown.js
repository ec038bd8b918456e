// Convert Markdown to elements. HTML stays text. Links may open web pages, pages of this site or parts of the page.

const escaped = (text) => text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
const allowed = (address) => /^(https?:\/\/|#|\/(?!\/)|[\w.-]+([/#?]|$))/i.test(address);

const anchor = (text) =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replace(/\s+/g, "-");

const reader = new marked.Marked({
  gfm: true,
  renderer: {
    html: ({ text }) => escaped(text),
    image: ({ text }) => escaped(text),
    heading({ tokens, depth, text }) {
      const level = Math.min(depth + 1, 6); // the page has the only h1
      return `<h${level} id="${escaped(anchor(text))}">${this.parser.parseInline(tokens)}</h${level}>`;
    },
    link({ href, tokens }) {
      const shown = this.parser.parseInline(tokens);
      return allowed(href) ? `<a href="${escaped(href)}">${shown}</a>` : shown;
    },
  },
});

export function renderMarkdown(text) {
  const template = document.createElement("template");
  template.innerHTML = reader.parse(text);
  return template.content;
}
