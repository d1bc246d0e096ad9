/** Something that the person at the keyboard can put right; the message says how. */
export class DemoError extends Error {
  /**
   * @param {string} what
   * @param {string} next What to do now.
   */
  constructor(what, next) {
    super(`${what}\n  next: ${next}`);
  }
}
