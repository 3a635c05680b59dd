/** Keeps a run under results/, as data and as a page. */

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { formatReport, type Report } from './report.ts'

/** @returns the path without its ending */
export function writeResults(report: Report, folder: string): string {
  mkdirSync(folder, { recursive: true })
  const path = join(folder, `${report.startedAt.slice(0, 10)}-${report.machine.commit.replace('+', '-changed')}`)
  writeFileSync(`${path}.json`, `${JSON.stringify(report, null, 2)}\n`)
  writeFileSync(`${path}.md`, formatReport(report))
  return path
}
