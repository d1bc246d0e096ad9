/** Markup that is inserted as it is. */
class Markup {
  constructor(text) {
    this.text = text;
  }
  toString() {
    return this.text;
  }
}

const entities = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Text for an element or a quoted attribute. */
export function escapeHtml(text) {
  return String(text).replace(/[&<>"']/g, (character) => entities[character]);
}

/** Marks text that is HTML or SVG already. */
export function markup(text) {
  return new Markup(text);
}

/** A template whose values are escaped, but for markup and arrays of markup. */
export function html(strings, ...values) {
  const insert = (value) => {
    if (Array.isArray(value)) return value.map(insert).join('');
    return value instanceof Markup ? value.text : escapeHtml(value);
  };
  return new Markup(String.raw({ raw: strings }, ...values.map(insert)));
}
