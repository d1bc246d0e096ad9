import type { JsonValue } from '../../src/base/types.ts';
import { isJsonObject } from '../json.ts';
import type { GraphNode } from './graph-def.ts';
import { UnsupportedNode } from './translation.ts';

/** Attributes as protobuf's JSON has them: 64-bit integers are strings, bytes are base64 (or a list of codes). */
function fieldOf(node: GraphNode, name: string, field: string): JsonValue | undefined {
  const attribute = node.attributes[name];
  return isJsonObject(attribute) ? attribute[field] : undefined;
}

function listOf(node: GraphNode, name: string, field: string): JsonValue[] {
  const list = fieldOf(node, name, 'list');
  const items = isJsonObject(list) ? list[field] : undefined;
  return Array.isArray(items) ? items : [];
}

function textOf(value: JsonValue | undefined): string | undefined {
  if (Array.isArray(value)) return String.fromCharCode(...value.map(Number));
  if (typeof value !== 'string') return undefined;
  try {
    return atob(value);
  } catch {
    return undefined;
  }
}

export function numberAttribute(node: GraphNode, name: string, otherwise: number): number {
  const value = fieldOf(node, name, 'f') ?? fieldOf(node, name, 'i');
  const number = value === undefined || value === null ? otherwise : Number(value);
  if (!Number.isFinite(number)) throw new UnsupportedNode(`its ${name} is no number`);
  return number;
}

export function flagAttribute(node: GraphNode, name: string, otherwise = false): boolean {
  const value = fieldOf(node, name, 'b');
  return typeof value === 'boolean' ? value : otherwise;
}

export function textAttribute(node: GraphNode, name: string, otherwise: string): string {
  return textOf(fieldOf(node, name, 's')) ?? otherwise;
}

export function typeAttribute(node: GraphNode, name: string): string | undefined {
  const value = fieldOf(node, name, 'type');
  return typeof value === 'string' ? value : undefined;
}

export function integersAttribute(node: GraphNode, name: string): number[] {
  const numbers = listOf(node, name, 'i').map(Number);
  if (!numbers.every(Number.isInteger)) throw new UnsupportedNode(`its ${name} is no list of integers`);
  return numbers;
}

export function textsAttribute(node: GraphNode, name: string): string[] {
  return listOf(node, name, 's').map((item) => textOf(item) ?? '?');
}

/** `{dim: [{size: "-1"}, ...]}` -> sizes, `null` for any; `undefined` where the rank is not known. */
export function sizesOf(shape: JsonValue | undefined): (number | null)[] | undefined {
  if (!isJsonObject(shape) || shape.unknownRank === true || !Array.isArray(shape.dim)) return undefined;
  const sizes = shape.dim.map((dim) => (isJsonObject(dim) ? Number(dim.size ?? 0) : NaN));
  if (!sizes.every(Number.isInteger)) return undefined;
  return sizes.map((size) => (size < 0 ? null : size));
}

export function shapeAttribute(node: GraphNode, name: string): (number | null)[] | undefined {
  return sizesOf(fieldOf(node, name, 'shape'));
}

/** `[height, width]` of an attribute like `strides`, which has a number for each of NHWC. */
export function windowAttribute(
  node: GraphNode,
  name: string,
  otherwise: readonly [number, number],
): [number, number] {
  const values = integersAttribute(node, name);
  if (values.length === 0) return [...otherwise];
  const [batch, height, width, channels] = values;
  if (values.length !== 4 || batch !== 1 || channels !== 1 || !(height! >= 1) || !(width! >= 1)) {
    throw new UnsupportedNode(`its ${name} is [${values.join(', ')}]`);
  }
  return [height!, width!];
}

export function requireChannelsLast(node: GraphNode): void {
  const format = textAttribute(node, 'data_format', 'NHWC');
  if (format !== 'NHWC') throw new UnsupportedNode(`its data_format is ${format}`);
}
