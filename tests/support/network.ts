import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { describe, it } from 'vitest';

/**
 * Whether a program on this machine reaches a server on 127.0.0.1, found by connecting once. In a network namespace
 * of its own (`unshare -n`) a server can be bound there, but nobody reaches it: the loopback interface is down.
 */
export const hasLoopback = await reachesItself();

const reason = 'the loopback interface is down, so that no server on 127.0.0.1 can be reached';

if (!hasLoopback) {
  if (process.env['CI'] === 'true') throw new Error(`CI has to run the tests with a server, but ${reason}`);
  // eslint-disable-next-line no-console
  console.warn(`skipping the tests that ask a server on this machine: ${reason}`);
}

/** `it`, for a test that has to reach a server on this machine. No test here needs any other network. */
export const itOnLoopback = it.skipIf(!hasLoopback);

/** `describe`, for tests of which each has to reach a server on this machine. */
export const describeOnLoopback = describe.skipIf(!hasLoopback);

async function reachesItself(): Promise<boolean> {
  const server = createServer((socket) => socket.destroy());
  try {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    try {
      await once(socket, 'connect', { signal: AbortSignal.timeout(10_000) });
      return true;
    } finally {
      socket.destroy();
    }
  } catch {
    return false;
  } finally {
    server.close();
  }
}
