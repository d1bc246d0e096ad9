/** Of the report; light and dark by the reader's preference. */
export const STYLE = `
:root { color-scheme: light dark; --text: #1c2024; --muted: #5c656e; --line: #d5dade; --page: #fff; --card: #f5f7f8; --right: #1a7f5a; --wrong: #c2410c; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e8ebed; --muted: #a3adb5; --line: #3a4249; --page: #14181b; --card: #1d2327; --right: #43b98b; --wrong: #f08a4b; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 72rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: clamp(1.6rem, 6vw, 2.4rem); line-height: 1.15; margin: 0.5rem 0; }
h2 { font-size: 1.25rem; margin: 2.25rem 0 0.5rem; }
p, li, figcaption, dd { overflow-wrap: anywhere; }
.lead { color: var(--muted); max-width: 48rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(9.5rem, 100%), 1fr)); gap: 0.75rem; margin: 1.25rem 0; }
.figures div { background: var(--card); border-radius: 8px; padding: 0.6rem 0.9rem; }
.figures dt { color: var(--muted); font-size: 0.9rem; }
.figures dd { margin: 0; }
.figures b { font-size: 1.25rem; font-variant-numeric: tabular-nums; }
.figures span { color: var(--muted); font-size: 0.85rem; display: block; line-height: 1.35; }
figure { margin: 0; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); gap: 1.5rem; }
.charts svg { width: 100%; max-width: 30rem; height: auto; display: block; }
figcaption { font-size: 0.9rem; }
.scroll { overflow-x: auto; max-width: 100%; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.note { color: var(--muted); font-size: 0.9rem; margin: 0 0 0.5rem; max-width: 48rem; }
th, td { padding: 0.3rem 0.7rem; border-bottom: 1px solid var(--line); text-align: right; font-weight: normal; white-space: nowrap; }
thead th { color: var(--muted); font-size: 0.9rem; }
th[scope="row"], th[scope="col"]:first-child, td.text { text-align: left; white-space: normal; overflow-wrap: anywhere; min-width: 5rem; max-width: 14rem; }
.matrix td { text-align: center; min-width: 2.6rem; }
.matrix thead th { text-align: center; max-width: 7rem; }
.wrong { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(10rem, 46%), 1fr)); gap: 1rem; }
.wrong img, .wrong .none { width: 100%; aspect-ratio: 1; object-fit: cover; border-radius: 6px; background: var(--card); display: grid; place-items: center; color: var(--muted); }
.path { color: var(--muted); font-size: 0.8rem; }
footer { margin-top: 2.5rem; color: var(--muted); font-size: 0.9rem; border-top: 1px solid var(--line); padding-top: 0.75rem; }
`;
