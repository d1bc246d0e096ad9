import { describeFullParity } from '../support/full-parity.ts';

await describeFullParity('large');
