/** Colours a report's text for a terminal: what missed what it was held against is red. Pure. */

import { styleText } from 'node:util'

/** @param text of `formatTerminal` */
export function paintTerminal(text: string): string {
  const lines = text.split('\n')
  const verdictAt = lines.findLastIndex((line) => /^(FAILED|INVALID)\b/.test(line))
  return lines
    .map((line, at) => {
      const isBad = line.includes('✗ ') || (verdictAt >= 0 && at >= verdictAt && line !== '')
      // Whether it is a terminal is for the caller to know.
      return isBad ? styleText('red', line, { validateStream: false }) : line
    })
    .join('\n')
}
