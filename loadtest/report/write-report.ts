/** Where a report goes: files that were asked for, and results/ for what is to be kept. */

import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { formatHtml } from './format-html.ts'
import { formatTerminal } from './format-terminal.ts'
import type { LoadReport } from './load-report.ts'

export function writeJson(report: LoadReport, file: string): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, formatJson(report))
}

export function writeHtml(report: LoadReport, file: string): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, formatHtml(report))
}

/**
 * Beside reports of the same day, commit and name, never in their place: runs with other flags are compared.
 *
 * @param name of the scenario or the test
 * @returns the path without its ending
 */
export function keepReport(report: LoadReport, name: string, folder: string): string {
  const commit = report.machine.commit.replace('+', '-changed')
  const path = freePath(join(folder, `${report.startedAt.slice(0, 10)}-${commit}-${name}`))
  writeJson(report, `${path}.json`)
  writeHtml(report, `${path}.html`)
  writeFileSync(`${path}.txt`, formatTerminal(report))
  return path
}

function freePath(wanted: string): string {
  let path = wanted
  for (let n = 2; existsSync(`${path}.json`); n++) path = `${wanted}-${n}`
  return path
}

/** JSON has no NaN: what could not be measured is null. */
function formatJson(report: LoadReport): string {
  return `${JSON.stringify(report, null, 2)}\n`
}
