const INTERVAL = 30;
let last = performance.now();

/** Lets Ctrl-C and progress through, now and then: training steps do not wait for anything. */
export async function pause(): Promise<void> {
  if (performance.now() - last < INTERVAL) return;
  await new Promise((resolve) => setTimeout(resolve));
  last = performance.now();
}
