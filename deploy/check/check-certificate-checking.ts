/**
 * Nobody switches off certificate checking, in no language and no test: one place that does would be
 * copied, and a TLS connection to whoever answers is none.
 *
 * The patterns are written so that they do not match themselves.
 */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CheckResult } from './check-result.ts'

const SWITCHES: readonly RegExp[] = [
  /rejectUnauthorized["']?\s*[:=,]\s*(false|!1|0)\b/i,
  /NODE_TLS_REJECT[_]UNAUTHORIZED/,
  // A check of the name that is ours is one that may say yes to any.
  /checkServerIdentit[y]/,
  /--insecur[e]\b/,
  /\bcurl\b[^\n]*\s-[a-zA-Z]*k[a-zA-Z]*\s/,
  /\bwget\b[^\n]*--no-check-certificat[e]/,
  /--no-verify-ss[l]/,
  /\bverify\s*=\s*Fals[e]\b/,
  /InsecureSkipVerif[y]/,
  /\bCERT_NON[E]\b/,
  /_create_unverified_contex[t]/,
  /strict-ssl["']?\s*[=:]\s*["']?fals[e]/,
  /sslVerify["']?\s*[=:]\s*["']?fals[e]/,
]

const NOT_OURS = new Set(['node_modules', '.git', '.sealcast'])
/** Nothing of ours is near this; larger files are data. */
const LARGEST_BYTES = 4 * 1024 * 1024

export async function checkCertificateChecking(root: string): Promise<CheckResult> {
  const files = listFiles(root, '')
  const problems = files.flatMap((file) => {
    const content = readFileSync(join(root, file))
    if (content.length > LARGEST_BYTES || content.includes(0)) return []
    return findSwitches(content.toString('utf8')).map(
      ({ line, text }) => `${file}:${line} switches off certificate checking: ${text}`,
    )
  })
  if (files.length === 0) problems.push('No file was looked at')
  return { did: `${files.length} files`, problems }
}

/** @returns the lines, counted from 1, in which certificate checking is switched off */
export function findSwitches(content: string): { line: number; text: string }[] {
  return content.split('\n').flatMap((text, at) => {
    return SWITCHES.some((pattern) => pattern.test(text)) ? [{ line: at + 1, text: text.trim().slice(0, 200) }] : []
  })
}

function listFiles(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (NOT_OURS.has(entry.name)) return []
    if (entry.isDirectory()) return listFiles(root, path)
    return entry.isFile() ? [path] : []
  })
}
