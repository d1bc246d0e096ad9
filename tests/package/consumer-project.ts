import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { TestContext } from 'vitest';
import { rootFolder } from '../support/dist.ts';

const run = promisify(execFile);

export interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

/** Registers a test that needs the installed package. */
export type Install = (name: string, test: (context: TestContext) => Promise<void>) => void;

type Settings = Readonly<Record<string, string>>;

/** A project of somebody else, in a temporary folder, with the packed package installed. */
export class ConsumerProject {
  private constructor(readonly folder: string) {}

  /** Packs and installs. Install scripts do not run: nothing of this package may depend on them. */
  static async create(): Promise<ConsumerProject> {
    const project = new ConsumerProject(await mkdtemp(join(tmpdir(), 'dovecote-consumer-')));
    try {
      await project.install();
      return project;
    } catch (error) {
      await project.remove();
      throw error;
    }
  }

  private async install(): Promise<void> {
    // `prepare` would build again, below the feet of tests that run at the same time.
    await this.npm(['pack', '--ignore-scripts', '--pack-destination', this.folder], rootFolder);
    const tarball = (await readdir(this.folder)).find((name) => name.endsWith('.tgz'));
    if (tarball === undefined) throw new Error('npm pack left no tarball');
    await this.write('package.json', JSON.stringify({ name: 'consumer', private: true, type: 'module' }));
    const source = (await this.reachesRegistry()) ? '--prefer-offline' : '--offline';
    const quick = [source, '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel', 'error'];
    await this.npm(['install', `./${tarball}`, ...quick], this.folder);
  }

  async write(path: string, content: string): Promise<void> {
    await mkdir(join(this.folder, path, '..'), { recursive: true });
    await writeFile(join(this.folder, path), content);
  }

  node(args: readonly string[], settings: Settings = {}): Promise<Output> {
    return this.execute(process.execPath, args, this.folder, settings);
  }

  /** A program of this repository's development dependencies, run in the project. */
  tool(path: string, args: readonly string[]): Promise<Output> {
    return this.node([join(rootFolder, 'node_modules', path), ...args]);
  }

  npx(args: readonly string[], settings: Settings = {}): Promise<Output> {
    return this.execute('npx', ['--no-install', ...args], this.folder, settings);
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }

  /**
   * Asks once: npm's own retries, for each package, would take minutes without a network. In CI it has to be there, and
   * the retries are wanted.
   */
  private async reachesRegistry(): Promise<boolean> {
    if (process.env['CI'] === 'true') return true;
    const once = ['--prefer-online', '--fetch-retries', '0', '--fetch-timeout', '20000'];
    return this.npm(['view', 'pbf', 'version', ...once], this.folder).then(
      () => true,
      () => false,
    );
  }

  private npm(args: readonly string[], folder: string): Promise<Output> {
    return this.execute('npm', args, folder);
  }

  private async execute(
    program: string,
    args: readonly string[],
    cwd: string,
    settings: Settings = {},
  ): Promise<Output> {
    // Settings of the npm that runs these tests do not belong into the other project.
    const own = Object.entries(process.env).filter(([name]) => !isOfThisRun(name));
    const env = { ...Object.fromEntries(own), ...settings };
    try {
      return await run(program, args, { cwd, env, maxBuffer: 64e6 });
    } catch (error) {
      const { stdout = '', stderr = '' } = error as Partial<Output>;
      throw new Error(`${program} ${args.join(' ')} failed:\n${stdout}\n${stderr}`, { cause: error });
    }
  }
}

function isOfThisRun(name: string): boolean {
  return /^(npm_(package|lifecycle|command|config_(local_prefix|prefix|global_prefix))|INIT_CWD|VITEST|NODE_ENV)/.test(
    name,
  );
}

/** Whether an installation failed because there is no registry to be reached. */
export function isOffline(error: unknown): boolean {
  return /ENOTFOUND|ECONNREFUSED|EAI_AGAIN|ETIMEDOUT|ENETUNREACH|ENOTCACHED/.test(String(error));
}
