/** Runs in a Web Worker: the program that a user would write. */
import '../../src/onnx-web.ts';
import '../../src/worker.ts';
