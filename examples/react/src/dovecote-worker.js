import 'dovecote/onnx-web';
import 'dovecote/worker';
