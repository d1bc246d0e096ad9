/** What tells whether a file on a server is still the one of which a part is held. */
export interface Validator {
  /** A strong entity tag. */
  readonly etag?: string;
  readonly lastModified?: string;
}

/** Where a transfer puts what arrives. A sink may hold the beginning of the file already. */
export interface Sink {
  /** Bytes held. */
  readonly length: number;
  /** Of the answer from which the bytes held came. */
  readonly validator: Validator;
  /** Makes room for a file of this length, where it is known: throws rather than fill a disk. */
  reserve(total: number): Promise<void>;
  /** Forgets what is held. */
  restart(validator: Validator): Promise<void>;
  append(chunk: Uint8Array): Promise<void>;
}
