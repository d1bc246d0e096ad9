import type { PageGlobals } from './page.ts';

declare global {
  /** In the page only; see page.ts. */
  var dovecote: PageGlobals['dovecote'];
  var tf: PageGlobals['tf'];
}
