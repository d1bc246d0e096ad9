import * as tf from '@tensorflow/tfjs';
import type { LayerArgs } from '../../zoo/layers/layer-inputs.ts';
import { refuseInputs, refuseOption } from '../../zoo/layers/layer-inputs.ts';
import { attentionInputs, namedInputs, type AttentionInput } from './attention-masks.ts';

export interface QueryAttentionArgs extends LayerArgs {
  /** Share of the weights that training drops. Default 0. */
  readonly dropout?: number;
  /** No query sees what comes behind it. Keras gives this with the call. Default false. */
  readonly useCausalMask?: boolean;
  /** The weights are a second output. Keras gives this with the call. Default false. */
  readonly returnAttentionScores?: boolean;
  /** What the inputs are, in Keras's names, where they are not query, value and key. */
  readonly callInputs?: readonly AttentionInput[] | null;
}

/** What all attention has in common: inputs by name, the query's mask, and what Keras gives with the call. */
export abstract class QueryAttention extends tf.layers.Layer {
  protected readonly dropout: number;
  protected readonly useCausalMask: boolean;
  protected readonly returnAttentionScores: boolean;
  private readonly callInputs: readonly AttentionInput[];

  constructor(args: QueryAttentionArgs) {
    super(args);
    this.dropout = args.dropout ?? 0;
    this.useCausalMask = args.useCausalMask ?? false;
    this.returnAttentionScores = args.returnAttentionScores ?? false;
    const names = attentionInputs(args.callInputs);
    if (names === undefined) {
      const expected = "names of Keras's arguments, each once";
      refuseOption(this.getClassName(), 'callInputs', args.callInputs, expected);
    }
    this.callInputs = names;
    this.supportsMasking = true;
  }

  /** The query's mask goes on to the output; the executor hands all masks over, in the order of the inputs. */
  override computeMask(
    _inputs: tf.Tensor | tf.Tensor[],
    mask?: tf.Tensor | tf.Tensor[],
  ): tf.Tensor | tf.Tensor[] {
    const first = (Array.isArray(mask) ? mask[0] : mask) ?? null;
    return (this.returnAttentionScores ? [first, null] : first) as tf.Tensor;
  }

  override getConfig(): tf.serialization.ConfigDict {
    return {
      ...super.getConfig(),
      dropout: this.dropout,
      useCausalMask: this.useCausalMask,
      returnAttentionScores: this.returnAttentionScores,
      callInputs: this.callInputs.length === 0 ? null : [...this.callInputs],
    };
  }

  /** Tensors or shapes by what they are. */
  protected named<Item>(inputs: Item | Item[]): NamedInputs<Item> {
    const [first] = Array.isArray(inputs) ? inputs : [];
    // The one shape of one input begins with a number or null.
    const list = typeof first === 'object' && first !== null ? (inputs as Item[]) : [];
    const named = namedInputs(list, this.callInputs);
    if (named?.query !== undefined && named.value !== undefined) return named as NamedInputs<Item>;
    return refuseInputs(this, `${list.length} inputs`, 'query and value, and perhaps key');
  }
}

type NamedInputs<Item> = Partial<Record<AttentionInput, Item>> & Record<'query' | 'value', Item>;
