import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { defaultModel } from '../../zoo/default-model.ts';
import { multiplyAdds } from '../../zoo/multiply-adds.ts';
import { listCards } from '../../zoo/registry.ts';
import { rootFolder } from '../support/dist.ts';

const readme = readFileSync(join(rootFolder, 'README.md'), 'utf8');

describe('README', () => {
  it('says of each network what its card says', () => {
    const rows = readme.split('\n').flatMap((line) => {
      const cells = line.split('|').map((cell) => cell.trim());
      const name = /^`(\S+)`$/.exec(cells[1] ?? '')?.[1];
      return name !== undefined && cells.length === 11 ? [[name, ...cells.slice(2, 10)]] : [];
    });
    expect(rows).toEqual(
      listCards().map((card) => [
        card.name,
        `[${card.title}](${card.source.split(' ')[0]})`,
        `${card.inputSize.default} (${card.inputSize.minimum} and up)`,
        card.preprocessing,
        (card.parameters.top / 1e6).toFixed(1),
        ((2 * multiplyAdds[card.name]!) / 1e9).toFixed(2),
        String(card.features.width),
        card.accuracy.top1?.toFixed(1) ?? '',
        card.accuracy.top5?.toFixed(1) ?? '',
      ]),
    );
  });

  it('says which network is the default, how good and how large it is', () => {
    const card = listCards().find(({ name }) => name === defaultModel)!;
    const megabytes = (card.embedded!.size / 1e6).toFixed(2);
    expect(readme).toContain(`Where no name is given it is \`${card.name}\``);
    expect(readme).toContain(
      `${card.title} (${card.accuracy.top1} % on ImageNet, ${megabytes} MB, Apache-2.0) is built in`,
    );
  });
});
