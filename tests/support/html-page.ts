import type { DefaultTreeAdapterTypes } from 'parse5';
import { parse } from 'parse5';

export type Element = DefaultTreeAdapterTypes.Element;

export interface Page {
  /** What a browser would have to forgive, as codes of the HTML standard. */
  readonly errors: readonly string[];
  readonly elements: readonly Element[];
  /** Elements with this name. */
  all(tagName: string): Element[];
  byId(id: string): Element | undefined;
}

export function parsePage(html: string): Page {
  const errors: string[] = [];
  const document = parse(html, { onParseError: ({ code }) => errors.push(code) });
  const elements = elementsIn(document);
  return {
    errors,
    elements,
    all: (tagName) => elements.filter((element) => element.tagName === tagName),
    byId: (id) => elements.find((element) => attribute(element, 'id') === id),
  };
}

export function elementsIn(node: DefaultTreeAdapterTypes.ParentNode): Element[] {
  return node.childNodes.flatMap((child) => ('tagName' in child ? [child, ...elementsIn(child)] : []));
}

export function attribute(element: Element, name: string): string | undefined {
  return element.attrs.find((each) => each.name === name)?.value;
}

export function textOf(node: DefaultTreeAdapterTypes.Node): string {
  if ('value' in node && node.nodeName === '#text') return node.value;
  return 'childNodes' in node ? node.childNodes.map(textOf).join('') : '';
}
