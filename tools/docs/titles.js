import { Converter } from 'typedoc';

/** Plugin of TypeDoc: a page of the guide is called what its first heading says, not `README`. */
export function load(app) {
  app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_, document) => {
    const text = document.content.map(({ text }) => text).join('');
    const title = /^# (.+)$/m.exec(text)?.[1];
    if (title !== undefined) document.name = title;
  });
}
