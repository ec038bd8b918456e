// Convert Markdown to elements. HTML stays text. Links may open web pages, pages of this site or parts of the page.

const escaped = (text) => text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
const allowed = (address) => /^(https?:\/\/|#|\/(?!\/)|[\w.-]+([/#?]|$))/i.test(address);

export const anchor = (text) =>
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
    link({ href, tokens, text }) {
      const button = /^button:(primary:)?(.*)$/s.exec(text); // CloudWatch's own syntax
      const shown = button ? escaped(button[2]) : this.parser.parseInline(tokens);
      if (!allowed(href)) return shown;
      const look = button ? ` class="button${button[1] ? " primary" : ""}"` : "";
      return `<a href="${escaped(href)}"${look}>${shown}</a>`;
    },
  },
});

export function renderMarkdown(text) {
  const template = document.createElement("template");
  template.innerHTML = reader.parse(text);
  return template.content;
}
