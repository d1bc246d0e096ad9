import { describeFullParity } from '../support/full-parity.ts';

/** tests/zoo/keras-parity.test.ts has small pictures. */
await describeFullParity('others');
