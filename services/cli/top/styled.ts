/** Lines of styled text, cut to a width and painted for a terminal that wants colours. Pure. */

export type Style = 'bold' | 'dim' | 'red' | 'yellow' | 'green'

export interface Span {
  readonly text: string
  readonly style?: Style | undefined
}

export type Line = readonly Span[]

const CODES: Readonly<Record<Style, number>> = { bold: 1, dim: 2, red: 31, yellow: 33, green: 32 }

/** @returns at most `width` characters, what is painted not counted, without blanks at the end */
export function textOf(line: Line, { width, isColored }: { width: number; isColored: boolean }): string {
  const shown: Span[] = []
  let room = width
  for (const { text, style } of line) {
    if (room <= 0) break
    const characters = [...text].slice(0, room)
    room -= characters.length
    shown.push({ text: characters.join(''), style })
  }
  if (!isColored)
    return shown
      .map(({ text }) => text)
      .join('')
      .trimEnd()
  return shown
    .map(({ text, style }) =>
      style === undefined || text.trim() === '' ? text : `\u001b[${CODES[style]}m${text}\u001b[0m`,
    )
    .join('')
}

/** Text of others in a column: one cell a character, whatever they wrote. */
export function oneCellEach(text: string): string {
  return text.replace(/[^ -~]/gu, '?')
}
