/** Lays out what the demo prints. Pure: text in, text out. */

/** Two columns under their titles, each cell cut or padded to its width. */
export function sideBySide(
  titles: readonly [string, string],
  rows: readonly (readonly [string, string])[],
  widths: readonly [number, number] = [44, 68],
): string {
  const line = ([left, right]: readonly [string, string]) =>
    `  ${fit(left, widths[0])} | ${fit(right, widths[1])}`.trimEnd()
  const rule = `  ${'-'.repeat(widths[0])}-+-${'-'.repeat(widths[1])}`
  return [line(titles), rule, ...rows.map(line)].join('\n')
}

/** The last characters of a text with escapes such as `\\xNN`, from a whole one on. */
export function endOf(escaped: string, length: number): string {
  const units = escaped.match(/\\x[0-9a-f]{2}|\\.|[^\\]/g) ?? []
  let end = ''
  for (const unit of units.reverse()) {
    if (end.length + unit.length > length) break
    end = unit + end
  }
  return end
}

function fit(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, width - 3)}...` : text.padEnd(width)
}
