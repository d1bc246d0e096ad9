/**
 * Runs `action`, synchronously, with an upper bound to what any WebAssembly memory may grow to meanwhile: a damaged
 * file can ask the HDF5 library for any amount, and the library never gives memory back. It hands out no handle to its
 * own memory, so growing is watched where all memories do it. `refused` says whether some request was turned down; to
 * the library that is what a full memory is.
 */
export function withBoundedMemory<T>(mostBytes: number, action: () => T, refused: () => void): T {
  const { prototype } = WebAssembly.Memory;
  // eslint-disable-next-line @typescript-eslint/unbound-method
  const { grow } = prototype;
  prototype.grow = function (this: WebAssembly.Memory, pages: number) {
    if (this.buffer.byteLength + pages * 65_536 > mostBytes) {
      refused();
      throw new RangeError('the limit of memory is reached');
    }
    return grow.call(this, pages);
  };
  try {
    return action();
  } finally {
    prototype.grow = grow;
  }
}
