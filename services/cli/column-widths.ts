/** How wide the columns of a table are. A list of a publisher each may have more rows than a call takes arguments. */

/** @returns characters of the widest cell of each column; absent cells have none */
export function columnWidths(rows: readonly (readonly string[])[]): number[] {
  const widths: number[] = []
  for (const row of rows) for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length)
  return widths
}
