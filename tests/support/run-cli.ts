import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { distFile } from './dist.ts';

export interface CliOptions {
  readonly cwd?: string;
  /** Added to the environment, from which everything that would steer the command line is taken out. */
  readonly env?: Readonly<Record<string, string>>;
  /** The process is killed then, and `signal` is `SIGKILL`. Default 60 s. */
  readonly timeoutMs?: number;
  /** Sends SIGINT when stderr matches the first of these, again when it matches the second, and so on. */
  readonly interruptAt?: readonly RegExp[];
  /** The process is killed with SIGKILL as soon as this is true; looked at every 10 ms. */
  readonly killWhen?: () => boolean;
  /** Runs the command line in a shell, as `"$@"` of this script: `"$@" | head -1`. */
  readonly shell?: string;
}

export interface CliResult {
  readonly stdout: string;
  readonly stderr: string;
  /** The exit code; null when a signal ended the process. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const steering =
  /^(DOVECOTE_|NODE_|VITEST|npm_|TF_|ORT_)|^(https?_proxy|no_proxy|all_proxy|no_color|force_color|term)$/i;

/** Runs the built command line as a process of its own. Nothing of the user's own cache is used. */
export function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const { cwd, env, timeoutMs = 60_000, interruptAt = [], killWhen, shell } = options;
  const inherited = Object.entries(process.env).filter(([name]) => !steering.test(name));
  const command = [process.execPath, distFile('cli.js'), ...args] as const;
  const [program, ...rest] =
    shell === undefined ? command : (['bash', '-c', shell, 'dovecote', ...command] as const);
  return new Promise((resolve, reject) => {
    const child = spawn(program, rest, {
      cwd,
      env: {
        ...Object.fromEntries(inherited),
        DOVECOTE_CACHE: join(tmpdir(), `dovecote-never-created-${process.pid}`),
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const printed = { stdout: '', stderr: '' };
    const moments = [...interruptAt];
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        printed[name] += text;
        if (!moments[0]?.test(printed.stderr)) return;
        moments.shift();
        child.kill('SIGINT');
      });
    }
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    const watch =
      killWhen === undefined ? undefined : setInterval(() => killWhen() && child.kill('SIGKILL'), 10);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      clearInterval(watch);
      resolve({ ...printed, code, signal });
    });
  });
}

/** The JSON that a successful call printed: nothing else on stdout, nothing at all on stderr. */
export function jsonOf<T>(result: CliResult): T {
  expect(result).toMatchObject({ stderr: '', code: 0 });
  return JSON.parse(result.stdout) as T;
}

/** A failure as a user should see it: what it is, and what to do now; no stack trace, nothing on stdout. */
export function expectFailure(result: CliResult, code: string, exitCode = 1): void {
  const { stderr } = result;
  expect({ code: /^ {2}code: +(\S+)$/m.exec(stderr)?.[1], exitCode: result.code, stderr }).toEqual({
    code,
    exitCode,
    stderr,
  });
  expect(stderr).toMatch(/^dovecote: \S.*/m);
  for (const part of ['given', 'expected', 'next']) {
    expect(stderr).toMatch(new RegExp(`^ {2}${part}: +\\S`, 'm'));
  }
  expect(stderr).not.toMatch(/^\s+at .*[:)]\d*\)?$/m);
  expect(stderr).not.toMatch(/should not have happened|\[object|undefined|NaN/);
  expect(result.stdout).toBe('');
}
