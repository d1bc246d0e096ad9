import type { TableColumn, TableRow } from './table.ts';

/** Columns by number: a property called `7` would come before all others, as every object has it. */
export function confusionTable(
  confusion: readonly (readonly number[])[],
  classes: readonly string[],
): [TableRow[], TableColumn[]] {
  const rows = classes.map((label, actual) => ({
    actual: label,
    ...Object.fromEntries(classes.map((_, predicted) => [`to ${predicted}`, confusion[actual]![predicted]])),
  }));
  const columns = classes.map((label, predicted): TableColumn => ({
    key: `to ${predicted}`,
    heading: label,
  }));
  return [rows, [{ key: 'actual', heading: '', align: 'left' }, ...columns]];
}
