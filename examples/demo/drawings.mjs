// Emoji as SVG, from the icon sets of Iconify.
import { createRequire } from 'node:module';
import { getIconData, iconToHTML, iconToSVG } from '@iconify/utils';

const require = createRequire(import.meta.url);

/**
 * An icon set with what its vendor says about it.
 *
 * @param {{ set: string, role: string }} vendor
 */
export function loadVendor({ set, role }) {
  const icons = require(`@iconify-json/${set}/icons.json`);
  const { name, author, license } = require(`@iconify-json/${set}/info.json`);
  return { set, role, icons, title: name, author: author.name, url: author.url, licence: license.title };
}

/**
 * The vendor's own names for the drawings that are asked for; those that it has not are left out.
 *
 * @param {object} icons An icon set.
 * @param {readonly string[]} wanted
 */
export function findDrawings(icons, wanted) {
  const plain = (name) => name.replaceAll('-', '');
  const wantedNames = new Set(wanted.map(plain));
  return Object.keys(icons.icons).filter((name) => wantedNames.has(plain(name)));
}

/**
 * One drawing as an SVG document of `size` by `size` pixels.
 *
 * @param {object} icons An icon set.
 * @param {string} name
 * @param {number} size
 */
export function drawingToSvg(icons, name, size) {
  const { attributes, body } = iconToSVG(getIconData(icons, name));
  return iconToHTML(body, { ...attributes, width: String(size), height: String(size) });
}
