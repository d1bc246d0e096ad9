import type { OnnxDevice } from '../platform.ts';

/** Something that may be used here, and why it cannot be where it cannot. */
export interface Availability {
  readonly works: boolean;
  readonly version?: string | undefined;
  /** Why it does not work. */
  readonly why?: string | undefined;
}

export interface Diagnosis {
  /** Version of this package. */
  readonly dovecote: string;
  readonly system: {
    readonly node: string;
    readonly platform: string;
    readonly arch: string;
    /** The system's own name and version. */
    readonly release: string;
    readonly processor: string;
    /** Cores that this process may use. */
    readonly cores: number;
    /** Instruction sets that matter here, by Linux's names; missing where the system does not tell. */
    readonly cpuFeatures?: readonly string[] | undefined;
    /** Bytes. */
    readonly memory: { readonly total: number; readonly free: number };
  };
  /** The engine that `auto` takes for a model whose layers it knows. */
  readonly engine: 'onnx' | 'tfjs';
  readonly onnx: Availability & {
    readonly threads: number;
    /** A small network was run on each; fastest first. */
    readonly devices: readonly (Availability & { readonly name: OnnxDevice })[];
  };
  /** What trains, and what runs the layers that the onnx engine does not know. */
  readonly tfjs: {
    readonly version: string;
    /** The backend in use. */
    readonly backend: string;
    /** Why another one than was asked for is in use. */
    readonly why?: string | undefined;
    /** Fastest first. */
    readonly backends: readonly (Availability & { readonly name: string; readonly package?: string })[];
  };
  /** The decoder of pictures. */
  readonly sharp: Availability & { readonly libvips?: string | undefined };
  readonly cache: {
    readonly folder: string;
    readonly writable: boolean;
    /** Downloaded files. */
    readonly files: number;
    /** Of downloaded files, in bytes. */
    readonly size: number;
    /** Features of photos, kept for training. */
    readonly features: { readonly networks: number; readonly size: number };
    /** Bytes that are left on its disk; missing where the system does not tell. */
    readonly free?: number | undefined;
    readonly why?: string | undefined;
  };
  /** What would make it work, or make it faster. */
  readonly remarks: readonly Remark[];
}

export interface Remark {
  /** `problem`: something does not work. `advice`: it could be faster. */
  readonly kind: 'problem' | 'advice';
  readonly what: string;
  readonly nextStep: string;
}
