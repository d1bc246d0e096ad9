import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** One empty cache folder for each run of the tests: the user's own is neither read nor written. */
export default function setUp(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'dovecote-tests-'));
  process.env.DOVECOTE_CACHE = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}
