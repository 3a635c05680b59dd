/** The style of the HTML report. Colours are variables, so that one set of rules serves light and dark. */
export const PAGE_STYLE = `
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --text: #16191f; --soft: #5a6270; --line: #dfe3e9; --grid: #e8ebf0;
  --good: #0a7a45; --good-soft: #e3f5ea; --bad: #b42318; --bad-soft: #fdeceb; --odd: #8a5300; --odd-soft: #fdf1dd;
  --hover: rgb(22 25 31 / 0.07);
  --c0: #2563eb; --c1: #c2570c; --c2: #047857; --c3: #be185d; --c4: #6d28d9; --c5: #0e7490; --c6: #4d7c0f; --c7: #b91c1c; --c8: #475569; --c9: #a16207;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #101319; --card: #181c24; --text: #e8ebf0; --soft: #9aa4b4; --line: #2b313c; --grid: #262c36;
    --good: #5fd69a; --good-soft: #12301f; --bad: #ff9b92; --bad-soft: #3a1714; --odd: #f5c26b; --odd-soft: #33250b;
    --hover: rgb(255 255 255 / 0.08);
    --c0: #7aa7ff; --c1: #fb9a5b; --c2: #4fd1a1; --c3: #f58bbd; --c4: #b69cff; --c5: #5cd0e6; --c6: #a8d65c; --c7: #ff8f8f; --c8: #a5b1c4; --c9: #e6c15a;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "Liberation Sans", sans-serif; }
main { min-width: 0; max-width: 1240px; margin: 0 auto; padding: 32px 24px 56px; }
h1 { font-size: 25px; line-height: 1.25; margin: 4px 0 8px; letter-spacing: -0.01em; text-wrap: balance; }
h2 { font-size: 17px; margin: 36px 0 12px; }
h3 { font-size: 15px; margin: 0 0 2px; }
p { margin: 0 0 8px; }
.kind { color: var(--soft); font-size: 13px; margin: 0; }
.soft, .caption, .note { color: var(--soft); font-size: 13px; }
code { font: 13px/1.5 ui-monospace, "SF Mono", "Liberation Mono", monospace; background: var(--grid); padding: 2px 6px; border-radius: 5px; overflow-wrap: anywhere; }
.verdict { margin: 18px 0 0; padding: 12px 16px; border-radius: 10px; border-left: 5px solid; }
.verdict strong { margin-right: 6px; }
.verdict ul { margin: 6px 0 0; padding-left: 20px; }
.passed { background: var(--good-soft); border-color: var(--good); } .passed strong { color: var(--good); }
.failed { background: var(--bad-soft); border-color: var(--bad); } .failed strong { color: var(--bad); }
.invalid { background: var(--odd-soft); border-color: var(--odd); } .invalid strong { color: var(--odd); }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 250px), 1fr)); gap: 12px; margin: 20px 0 0; padding: 0; }
.figures div { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 12px 14px; }
.figures dt { color: var(--soft); font-size: 13px; }
.figures dd { margin: 0; font-size: 23px; font-weight: 600; letter-spacing: -0.01em; font-variant-numeric: tabular-nums; }
.figures dd.note { font-size: 12.5px; font-weight: 400; letter-spacing: 0; line-height: 1.35; margin-top: 2px; }
.good { color: var(--good); } .bad { color: var(--bad); }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 520px), 1fr)); gap: 16px; }
figure, .card { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 14px 16px; min-width: 0; }
.card { overflow-x: auto; }
svg { display: block; width: 100%; height: auto; margin-top: 8px; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 16px; margin: 8px 0 0; padding: 0; list-style: none; font-size: 13px; }
.legend svg { display: inline-block; width: 22px; height: 10px; margin: 0 6px 0 0; vertical-align: baseline; }
svg text { fill: var(--soft); font-size: 12px; font-family: inherit; font-variant-numeric: tabular-nums; }
.grid { stroke: var(--grid); } .axis { stroke: var(--soft); }
.mark { stroke: var(--soft); stroke-dasharray: 2 4; }
svg .mark-label { font-size: 11px; } svg .empty { font-size: 14px; }
.line { fill: none; stroke-width: 1.8; stroke-linejoin: round; stroke-linecap: round; }
.dashed { stroke-dasharray: 6 5; } .area { opacity: 0.16; stroke: none; }
.strip { fill: transparent; } .strip:hover { fill: var(--hover); }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th, td { padding: 6px 12px 6px 0; text-align: left; border-bottom: 1px solid var(--line); vertical-align: top; }
tbody tr:last-child > * { border-bottom: 0; }
thead th { color: var(--soft); font-size: 13px; font-weight: 500; }
tbody th { font-weight: 500; } tbody th:first-child { min-width: 7em; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.settings { display: grid; grid-template-columns: max-content 1fr; gap: 4px 20px; margin: 0; font-size: 14px; }
.settings dt { color: var(--soft); } .settings dd { margin: 0; }
.tables { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 520px), 1fr)); gap: 16px; align-items: start; }
.wide { grid-column: 1 / -1; }
.notes { margin: 0; padding-left: 20px; color: var(--soft); font-size: 14px; }
.notes li { margin-bottom: 4px; }
@media print { body { background: none; } figure, .card { break-inside: avoid; } }
${Array.from({ length: 10 }, (_, index) => `.c${index}.line { stroke: var(--c${index}); } .c${index}.dot, .c${index}.area, .c${index}.bar { fill: var(--c${index}); }`).join('\n')}
`
