import { UsageError } from '../base/errors.ts';

/**
 * Fills a name as Python's `str.format` does: `{epoch:02d}-{val_loss:.3f}`. Numbers take `d`, `.<digits>f` and `0<width>`.
 *
 * @throws UsageError `USAGE_ARGUMENT` for a name that there is no value of
 */
export function fileNameOf(template: string, values: Readonly<Record<string, number>>): string {
  return template.replace(/\{(\w+)(?::([^}]*))?\}/g, (_, name: string, format: string | undefined) => {
    const value = values[name] ?? values[name.replace(/^(val_)?acc$/, '$1accuracy')];
    if (value !== undefined) return formatted(value, format ?? '');
    throw new UsageError('USAGE_ARGUMENT', `"${template}" names "${name}", which is not measured.`, {
      given: `{${name}}`,
      expected: Object.keys(values).join(', '),
      nextStep: 'change the file name',
    });
  });
}

function formatted(value: number, format: string): string {
  const [, zero = '', width = '0', , digits, kind = ''] = /^(0?)(\d*)(\.(\d+))?([dfe]?)$/.exec(format) ?? [];
  const text =
    kind === 'd' || (kind === '' && digits === undefined)
      ? String(value)
      : kind === 'e'
        ? value.toExponential(Number(digits ?? 6))
        : value.toFixed(Number(digits ?? 6));
  return text.padStart(Number(width || '0'), zero === '0' ? '0' : ' ');
}
