import { build } from 'esbuild';
import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { embeddedModel } from '../../src/embedded/index.ts';
import { rootFolder } from '../support/dist.ts';
import type { ConsumerProject, Install } from './consumer-project.ts';

const photo = join(rootFolder, 'examples/photos/chelsea.jpg');
const catOnly = /^(tabby|tiger_cat|Egyptian_cat)\n$/;
/** Whatever asks the network fails. */
const offline = {
  DOVECOTE_OFFLINE: '1',
  HTTPS_PROXY: 'http://127.0.0.1:9',
  HTTP_PROXY: 'http://127.0.0.1:9',
};

const program = `
import { DovecoteError, classify } from 'dovecote';
try {
  const { predictions } = await classify(${JSON.stringify(photo)});
  console.log(predictions[0].label);
} catch (error) {
  if (!(error instanceof DovecoteError)) throw error;
  console.log(error.code + ': ' + error.nextStep);
}
`;

/** Runs the installed package in Node, as it is and bundled. */
export function describeInNode(install: Install, project: () => ConsumerProject): void {
  install('classifies a photo offline, without a model being named', async () => {
    await project().write('classify.js', program);
    expect((await project().node(['classify.js'], offline)).stdout).toMatch(catOnly);
  });

  install('classifies a photo offline from the command line', async () => {
    const { stdout } = await project().npx(['dovecote', 'classify', photo, '--json'], offline);
    expect(stdout).toMatch(/"label": ?"(tabby|tiger_cat|Egyptian_cat)"/);
  });

  install('in a program that was bundled with dovecote outside, it is found', async () => {
    await bundleForNode(project(), 'outside', ['dovecote']);
    expect((await project().node(['outside/bundle/program.js'], offline)).stdout).toMatch(catOnly);
  });

  install('in a program that was bundled into one file, it is missed in words, which help', async () => {
    await bundleForNode(project(), 'inside', ['sharp', 'onnxruntime-node']);
    const run = () => project().node(['inside/bundle/program.js'], offline);
    const { stdout } = await run();
    expect(stdout).toMatch(/^FILE_NOT_FOUND: .*mark dovecote as external, or put .* beside the bundle/);
    const { fileName } = embeddedModel;
    const beside = join(project().folder, 'inside/bundle', fileName);
    await copyFile(join(project().folder, 'node_modules/dovecote/dist', fileName), beside);
    expect((await run()).stdout).toMatch(catOnly);
    await rm(beside);
  });
}

async function bundleForNode(project: ConsumerProject, folder: string, external: string[]): Promise<void> {
  await project.write(`${folder}/main.js`, program);
  await build({
    entryPoints: [join(project.folder, folder, 'main.js')],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    external,
    logLevel: 'silent',
    outfile: join(project.folder, folder, 'bundle/program.js'),
    // CommonJS packages inside call require, which a module lacks.
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
  });
}
