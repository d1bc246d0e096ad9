import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Progress } from '../../src/base/types.ts';
import { createProgress } from '../../src/cli/progress.ts';
import { FakeTerminal, fakePipe } from '../support/fake-terminal.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] });
  vi.stubEnv('NO_COLOR', undefined);
  vi.stubEnv('TERM', 'xterm-256color');
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

const MB = 1e6;
const download = (done: number, total: number | undefined = 10 * MB): Progress => ({
  ...{ phase: 'download squeezenet.h5', unit: 'bytes', done: done * MB, total },
});
const classify = (done: number, note?: string): Progress => ({
  ...{ phase: 'classify', unit: 'images', done, total: 20, note },
});
const wait = (milliseconds: number) => vi.advanceTimersByTime(milliseconds);

describe('progress into a file or pipe', () => {
  it('is one line at the start, one for each tenth and one at the end', () => {
    const { stream, output } = fakePipe();
    const progress = createProgress({ stream });
    for (let done = 0; done <= 100; done += 1) {
      progress.callback(download(done / 10));
      wait(200);
    }
    progress.finish();
    const lines = output().trimEnd().split('\n');
    expect(lines).toHaveLength(11);
    expect(lines[0]).toBe('download squeezenet.h5: started, 10 MB');
    expect(lines[3]).toBe('download squeezenet.h5: 30%, 3 of 10 MB, 500 kB/s, 14 s left');
    expect(lines[10]).toBe('download squeezenet.h5: 10 MB in 20 s (500 kB/s)');
  });

  it('has no lines in between for what takes a moment', () => {
    const { stream, output } = fakePipe();
    const progress = createProgress({ stream });
    for (let done = 0; done <= 20; done += 1) {
      progress.callback(classify(done));
      wait(40);
    }
    progress.finish();
    expect(output().trimEnd().split('\n')).toEqual([
      'classify: started, 20 images',
      'classify: 20 images in 0.8 s (25.0 images/s)',
    ]);
  });

  it('gives a sign of life every 5 s when a tenth takes longer', () => {
    const { stream, output } = fakePipe();
    const progress = createProgress({ stream });
    for (let done = 0; done < 8; done += 1) {
      progress.callback({ phase: 'train', unit: 'epochs', done, total: 1000 });
      wait(2_000);
    }
    expect(output().trimEnd().split('\n')).toEqual([
      'train: started, 1000 epochs',
      'train: 0%, 3 of 1000 epochs, 2.0 s/epoch, 33:14 min left',
      'train: 0%, 6 of 1000 epochs, 2.0 s/epoch, 33:08 min left',
    ]);
  });

  it('has no control characters, whatever a file is called', () => {
    const { stream, output } = fakePipe();
    const progress = createProgress({ stream });
    progress.callback({
      phase: 'read \u001b[31mred\u001b[0m\u0007\r\n.png',
      unit: 'images',
      done: 0,
      total: 2,
    });
    progress.callback({ ...classify(1), note: 'bell \u0007' });
    progress.finish();
    expect(output()).toMatch(/^[\n\x20-\x7e]*$/);
    expect(output()).toContain('read red??.png');
  });

  it('counts a stream without a length', () => {
    const { stream, output } = fakePipe();
    const progress = createProgress({ stream });
    progress.callback({ phase: 'read', unit: 'bytes', done: 0 });
    wait(6_000);
    progress.callback({ phase: 'read', unit: 'bytes', done: 12 * MB });
    progress.finish();
    expect(output()).toBe('read: started\nread: 12 MB, 2 MB/s\nread: 12 MB in 6.0 s (2 MB/s)\n');
  });

  it('says how far a phase came that did not end', () => {
    const { stream, output } = fakePipe();
    const progress = createProgress({ stream });
    progress.callback(classify(0));
    wait(1_000);
    progress.callback(classify(1));
    progress.finish();
    expect(output()).toContain('classify: stopped at 1 of 20 images in 1.0 s (1.0 images/s)\n');
  });

  it('is one line for a phase that is reported once, with one image', () => {
    const { stream, output } = fakePipe();
    const progress = createProgress({ stream });
    progress.callback({ phase: 'classify', unit: 'images', done: 1, total: 1 });
    progress.finish();
    expect(output()).toBe('classify: 1 image in 0.0 s\n');
  });

  it('does not count what a resumed download had before as speed', () => {
    const { stream, output } = fakePipe();
    const progress = createProgress({ stream });
    progress.callback(download(8));
    wait(1_000);
    progress.callback(download(9));
    expect(output()).toContain('90%, 9 of 10 MB, 1 MB/s, 1.0 s left');
  });

  it('starts anew when a phase starts again, and shows notes', () => {
    const { stream, output } = fakePipe();
    const progress = createProgress({ stream });
    progress.callback(classify(12));
    progress.callback(classify(0));
    progress.callback(classify(20, 'accuracy 0.86'));
    expect(output()).toBe(
      'classify: started, 20 images\nclassify: started, 20 images\nclassify: 20 images in 0.0 s, accuracy 0.86\n',
    );
  });

  it('survives a total of nothing', () => {
    const { stream, output } = fakePipe();
    createProgress({ stream }).callback({ phase: 'read', unit: 'bytes', done: 0, total: 0 });
    expect(output()).toBe('read: 0 B in 0.0 s\n');
  });
});

describe('with --quiet or --json', () => {
  it.each([{ quiet: true }, { json: true }])('%o writes nothing, on a terminal or not', (flags) => {
    const terminal = new FakeTerminal(80);
    const pipe = fakePipe();
    for (const stream of [terminal.stream, pipe.stream]) {
      const progress = createProgress({ ...flags, stream });
      progress.callback(download(1));
      wait(6_000);
      progress.callback(download(10));
      progress.callback(classify(3));
      progress.finish();
    }
    expect(terminal.output + pipe.output()).toBe('');
  });
});

describe('progress on a terminal', () => {
  it('is a bar with percentage, rate, time left and amount', async () => {
    const terminal = new FakeTerminal(100);
    const progress = createProgress({ stream: terminal.stream });
    progress.callback(download(0));
    wait(1_000);
    progress.callback(download(5));
    wait(200);
    expect(await terminal.lines()).toEqual([
      'download squeezenet.h5  [===============---------------]  50%  5 MB/s  1.0 s left  5 of 10 MB',
    ]);
    progress.finish();
  });

  it('leaves one line for each phase, one after another', async () => {
    const terminal = new FakeTerminal(100);
    const progress = createProgress({ stream: terminal.stream });
    for (const done of [0, 4, 10]) {
      progress.callback(download(done));
      wait(500);
    }
    for (const done of [0, 10, 20]) {
      progress.callback(classify(done));
      wait(500);
    }
    progress.finish();
    expect(await terminal.lines()).toEqual([
      'download squeezenet.h5: 10 MB in 1.0 s (10 MB/s)',
      'classify: 20 images in 1.0 s (20.0 images/s)',
    ]);
  });

  it('shows phases that run at the same time below each other', async () => {
    const terminal = new FakeTerminal(100);
    const progress = createProgress({ stream: terminal.stream });
    progress.callback(download(0));
    progress.callback(classify(0));
    wait(1_000);
    progress.callback(classify(5));
    progress.callback(download(2));
    wait(200);
    const both = await terminal.lines();
    expect(both).toHaveLength(2);
    expect(both[0]).toMatch(/^download squeezenet\.h5 {2}\[=+-+\] {2}20%/);
    expect(both[1]).toMatch(/^classify {2}\[=+-+\] {2}25%/);

    progress.callback(download(10));
    progress.callback(classify(10));
    wait(200);
    const one = await terminal.lines();
    expect(one[0]).toBe('download squeezenet.h5: 10 MB in 1.2 s (8.33 MB/s)');
    expect(one[1]).toMatch(/^classify {2}\[=+-+\] {2}50%/);
    expect(one).toHaveLength(2);
    progress.finish();
    expect(await terminal.lines()).toEqual([
      'download squeezenet.h5: 10 MB in 1.2 s (8.33 MB/s)',
      'classify: stopped at 10 of 20 images in 1.4 s (7.1 images/s)',
    ]);
  });

  it('keeps more phases than the screen has rows in order', async () => {
    const terminal = new FakeTerminal(80, 5);
    const progress = createProgress({ stream: terminal.stream });
    for (let file = 1; file <= 12; file += 1) {
      for (const done of [0, 1, 2]) {
        progress.callback({ phase: `shard ${file}`, unit: 'steps', done, total: 2 });
        wait(150);
      }
    }
    progress.finish();
    const names = (await terminal.lines()).map((line) => line.split(':')[0]);
    expect(names).toEqual(Array.from({ length: 12 }, (_, index) => `shard ${index + 1}`));
  });

  it('lets text be written after finish, and begins anew after it', async () => {
    const terminal = new FakeTerminal(80);
    const progress = createProgress({ stream: terminal.stream });
    progress.callback(classify(3));
    wait(300);
    progress.finish();
    terminal.stream.write('a remark\n');
    progress.callback(classify(6));
    wait(300);
    progress.finish();
    progress.finish();
    expect((await terminal.lines()).map((line) => line.slice(0, 22))).toEqual([
      'classify: stopped at 3',
      'a remark',
      'classify: stopped at 6',
    ]);
  });

  it.each([12, 20, 40, 60, 80])('never wraps on %i columns', async (columns) => {
    const terminal = new FakeTerminal(columns);
    const progress = createProgress({ stream: terminal.stream });
    const phase = 'download squeezenet_weights_tf_dim_ordering_tf_kernels_notop.h5';
    progress.callback({ phase, unit: 'bytes', done: 0, total: 5 * MB });
    wait(1_000);
    progress.callback({ phase, unit: 'bytes', done: 2 * MB, total: 5 * MB, note: 'from a mirror far away' });
    wait(200);
    const lines = await terminal.lines();
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('40%');
    progress.finish();
  });

  it('hides the cursor while there are bars and brings it back', () => {
    const terminal = new FakeTerminal(80);
    const progress = createProgress({ stream: terminal.stream });
    progress.callback(classify(3));
    expect(terminal.cursorIsVisible).toBe(false);
    progress.finish();
    expect(terminal.cursorIsVisible).toBe(true);
  });

  it('brings the cursor back when all phases have ended, without finish', () => {
    const terminal = new FakeTerminal(80);
    const progress = createProgress({ stream: terminal.stream });
    progress.callback(classify(3));
    progress.callback(classify(20));
    expect(terminal.cursorIsVisible).toBe(true);
  });

  it('ends the bars on Ctrl-C before others say something about it', () => {
    const terminal = new FakeTerminal(80);
    const visibleFor: boolean[] = [];
    const listener = () => visibleFor.push(terminal.cursorIsVisible);
    process.on('SIGINT', listener);
    const progress = createProgress({ stream: terminal.stream });
    progress.callback(classify(3));
    expect(terminal.cursorIsVisible).toBe(false);
    process.emit('SIGINT', 'SIGINT');
    process.off('SIGINT', listener);
    expect(visibleFor).toEqual([true]);
  });

  it('leaves no listeners behind', () => {
    const count = () => ['SIGINT', 'SIGTERM', 'exit'].map((event) => process.listenerCount(event));
    const before = count();
    const progress = createProgress({ stream: new FakeTerminal(80).stream });
    progress.callback(classify(3));
    expect(count()).toEqual(before.map((number) => number + 1));
    progress.finish();
    expect(count()).toEqual(before);
  });

  it('is coloured, and is not with NO_COLOR', () => {
    const outputWith = (noColor: string | undefined) => {
      vi.stubEnv('NO_COLOR', noColor);
      const terminal = new FakeTerminal(80);
      const progress = createProgress({ stream: terminal.stream });
      progress.callback(classify(3));
      wait(300);
      progress.finish();
      return terminal.output;
    };
    expect(outputWith(undefined)).toContain('\u001b[36m');
    expect(outputWith('1')).not.toContain('\u001b[36m');
  });

  it('is plain lines on a dumb terminal', () => {
    vi.stubEnv('TERM', 'dumb');
    const terminal = new FakeTerminal(80);
    const progress = createProgress({ stream: terminal.stream });
    progress.callback(classify(3));
    progress.finish();
    expect(terminal.output).not.toContain('\u001b');
    expect(terminal.output).toContain('classify: started, 20 images\n');
  });
});
