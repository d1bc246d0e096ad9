import { efficientNetLite0 } from './cards/efficientnet-lite.ts';

/** The network that is used where none is named: its weights are in the package. */
export const defaultModel = efficientNetLite0.name;
