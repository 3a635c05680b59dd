/** Runs a tool of node_modules, on this Node, as one check. */

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { CheckResult } from './check-result.ts'

/** @param script of the tool, below node_modules */
export function runTool(root: string, script: string, args: readonly string[]): Promise<CheckResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, 'node_modules', script), ...args], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    const keep = (chunk: Buffer) => {
      output += chunk.toString('utf8')
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.on('error', reject)
    child.on('close', (code, signal) => {
      const name = script.split('/').at(-1) ?? script
      const said = output.trim() === '' ? `${name} ended with ${signal ?? code}` : output.trimEnd()
      resolve({ did: name, problems: code === 0 ? [] : [said] })
    })
  })
}
