/**
 * `.env`, where docker-compose looks for variables, as a link to the file that was written for it. A `.env` of somebody's own
 * stays, and so does a link for a data directory outside the checkout unmade: such a one is for a test or another stack.
 */

import { lstatSync, readlinkSync, rmSync, symlinkSync } from 'node:fs'
import { join, relative } from 'node:path'

/** @returns whether `docker-compose` finds the variables by itself now */
export function linkDotEnv(root: string, variablesFile: string): boolean {
  const target = relative(root, variablesFile)
  if (target.startsWith('..')) return false
  const link = join(root, '.env')
  const found = lstatSync(link, { throwIfNoEntry: false })
  if (found !== undefined && !(found.isSymbolicLink() && readlinkSync(link).endsWith('compose.env'))) return false
  rmSync(link, { force: true })
  symlinkSync(target, link)
  return true
}
