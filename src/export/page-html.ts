import { escapeHtml } from '../base/escape-html.ts';

const STYLE = `
:root { color-scheme: light dark; --text: #1c2024; --muted: #5c656e; --line: #c9d0d6; --page: #fff; --card: #f4f6f7; --bar: #1a7f5a; --bad: #b42318; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e8ebed; --muted: #a3adb5; --line: #444d55; --page: #14181b; --card: #1d2327; --bar: #43b98b; --bad: #f97066; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 56rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: clamp(1.4rem, 5vw, 2rem); line-height: 1.2; margin: 0.25rem 0; overflow-wrap: anywhere; }
p { margin: 0.25rem 0; overflow-wrap: anywhere; }
.muted { color: var(--muted); }
.drop { border: 2px dashed var(--line); border-radius: 12px; padding: 1.25rem; margin: 1rem 0; text-align: center; background: var(--card); }
.drop.over { border-color: var(--bar); }
.buttons { display: flex; flex-wrap: wrap; gap: 0.75rem; justify-content: center; margin-bottom: 0.5rem; }
button, .button { font: inherit; padding: 0.6rem 1.1rem; border-radius: 8px; border: 1px solid var(--line); background: var(--page); color: inherit; cursor: pointer; display: inline-block; }
button:hover, .button:hover { border-color: var(--bar); }
button:focus-visible, input:focus-visible + .button { outline: 3px solid var(--bar); outline-offset: 2px; }
button[disabled] { opacity: 0.5; cursor: default; }
input[type=file] { position: absolute; width: 1px; height: 1px; opacity: 0; }
.result { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(18rem, 100%), 1fr)); gap: 1.25rem; align-items: start; }
.result img, .result video { width: 100%; max-height: 24rem; object-fit: contain; border-radius: 8px; background: var(--card); display: block; }
ol { list-style: none; margin: 0; padding: 0; }
li { margin-bottom: 0.7rem; }
.row { display: flex; justify-content: space-between; gap: 1rem; }
.row span:first-child { overflow-wrap: anywhere; }
.row span:last-child { font-variant-numeric: tabular-nums; white-space: nowrap; }
.track { height: 0.6rem; border-radius: 4px; background: var(--card); overflow: hidden; }
.track div { height: 100%; background: var(--bar); min-width: 2px; }
li:first-child .row { font-weight: 600; }
.bad { color: var(--bad); }
[hidden] { display: none !important; }
`;

/** A page that classifies photos; its program and its model lie beside it. */
export function pageHtml(name: string, classes: readonly string[]): string {
  const few = classes.length <= 12 ? `: ${classes.join(', ')}` : '';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="dovecote">
<link rel="icon" href="data:,">
<title>${escapeHtml(name)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${escapeHtml(name)}</h1>
<p class="muted">Tells ${classes.length} classes apart${escapeHtml(few)}. Photos stay on this device.</p>
<div class="drop" id="drop">
<div class="buttons">
<span><input type="file" id="file" accept="image/*"><label class="button" for="file">Choose a photo</label></span>
<button type="button" id="camera" hidden>Use the camera</button>
<button type="button" id="shot" hidden>Take the photo</button>
</div>
<p class="muted">or drop one here, or paste it</p>
</div>
<p id="status" role="status" aria-live="polite">Loading the model.</p>
<div class="result">
<div><img id="photo" alt="The photo" hidden><video id="video" playsinline muted hidden></video></div>
<ol id="list" aria-label="What it could be, the most probable first"></ol>
</div>
<noscript><p class="bad">This page needs JavaScript.</p></noscript>
</main>
<script>
if (location.protocol === 'file:') {
  document.getElementById('status').textContent = 'Browsers do not let a page that is opened as a file read its model. Serve the folder instead: npx serve ' + JSON.stringify(decodeURIComponent(location.pathname.replace(/\\/[^/]*$/, ''))) + ', then open the address that it tells.';
  document.getElementById('status').className = 'bad';
}
// What is missing cannot say so itself.
addEventListener('error', function (event) {
  if (!event.target || event.target.tagName !== 'SCRIPT') return;
  document.getElementById('status').textContent = 'A part of this page is missing: ' + event.target.getAttribute('src') + '. Put the whole folder on the server.';
  document.getElementById('status').className = 'bad';
}, true);
</script>
<script src="tf.min.js"></script>
<script src="page.js"></script>
</body>
</html>
`;
}
