import { describe, expect, it } from 'vitest';
import type { GraphModelFacts } from '../../converters/model-file.ts';
import { describeGraphModel } from '../../src/models/graph-model.ts';
import { metadataIn } from '../../src/models/metadata.ts';
import { graphGolden, read } from '../converters-graph/support.ts';

/** What is made of a graph model of these facts; undefined where it stays without metadata. */
async function metadataOf(facts: Partial<GraphModelFacts>) {
  const file = await read(graphGolden('mobilenet-v1'));
  const graphModel = { ...file.graphModel!, inputRescaling: undefined, network: undefined, ...facts };
  return metadataIn(describeGraphModel({ ...file, graphModel }).userDefinedMetadata);
}

describe('the pictures that a graph model takes', () => {
  it.each([
    ['2 x - 1', { scale: 2, offset: -1 }, 'unit'],
    ['x / 127.5 - 1', { scale: 1 / 127.5, offset: -1 }, 'none'],
    ['x / 255', { scale: 1 / 255, offset: 0 }, 'none'],
  ] as const)('are told by the %s that it begins with', async (_, inputRescaling, preprocessing) => {
    expect(await metadataOf({ inputRescaling })).toMatchObject({ preprocessing });
  });

  it.each(['MobilenetV1', 'MobilenetV2', 'InceptionV3'])(
    'go from -1 to 1 in %s of TF-Slim, which has no such beginning',
    async (network) => {
      expect(await metadataOf({ network })).toMatchObject({ preprocessing: 'tf' });
    },
  );

  it('are not guessed where nothing tells them', async () => {
    expect(await metadataOf({})).toBeUndefined();
    expect(await metadataOf({ network: 'model' })).toBeUndefined();
    expect(await metadataOf({ inputRescaling: { scale: 3, offset: -1 } })).toBeUndefined();
    expect(await metadataOf({ inputRescaling: { scale: 2, offset: 0 } })).toBeUndefined();
  });
});

it('has ImageNet’s labels only where a class "background" was left out', async () => {
  const inputRescaling = { scale: 2, offset: -1 };
  expect(await metadataOf({ inputRescaling, background: true })).toMatchObject({ labels: 'imagenet' });
  expect(await metadataOf({ inputRescaling, background: false })).toMatchObject({ labels: [] });
});
