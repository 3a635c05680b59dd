/** Shows warnings and errors of the services at the terminal, but never a flood of them. */

import { describeLogLine } from './describe-log-line.ts'

const LINES_PER_SECOND = 10

export function createLogPrinter(say: (who: string, text: string) => void): (name: string, line: string) => void {
  const shown = new Map<string, { since: number; lines: number }>()
  return (name, line) => {
    // A redis-server's own remarks at start are about the machine; they stay in its file.
    if (name === 'redis') return
    const text = describeLogLine(line)
    if (text === undefined) return
    const now = performance.now()
    let window = shown.get(name)
    if (window === undefined || now - window.since >= 1_000) {
      window = { since: now, lines: 0 }
      shown.set(name, window)
    }
    window.lines++
    if (window.lines <= LINES_PER_SECOND) say(name, text)
    else if (window.lines === LINES_PER_SECOND + 1) say(name, `… more in logs/${name}.log`)
  }
}
