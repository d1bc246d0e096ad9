// All computing is done here, beside the page.
import 'dovecote/onnx-web';
import 'dovecote/worker';
