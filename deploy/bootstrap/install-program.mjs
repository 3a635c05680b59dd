/**
 * Makes sure that a program of the system can be started: the one in PATH, else Debian's package.
 *
 * Only the program is wanted. A package such as redis-server's would also start a service, so a
 * policy-rc.d forbids that while it is being installed.
 */

import { accessSync, constants, existsSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import process from 'node:process'
import { withInstallLock } from './install-lock.mjs'
import { BootstrapError, say } from './progress.mjs'
import { runCommand } from './run-command.mjs'

const POLICY_FILE = '/usr/sbin/policy-rc.d'
const APT_INSTALL = ['install', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=120']

/**
 * @param program its name in PATH, and its package's
 * @param howToInstall what to tell whoever has to install it
 */
export async function installProgram(root, { program, howToInstall }) {
  if (isInPath(program)) return { did: 'in place' }
  if (process.getuid?.() !== 0 || !isInPath('apt-get')) throw new BootstrapError(howToInstall)
  return withInstallLock(root, async () => {
    if (isInPath(program)) return { did: 'installed by another process' }
    say(`${program}: apt-get install, takes about 20 s`)
    await installWithApt(program)
    return { did: 'installed' }
  })
}

async function installWithApt(program) {
  const options = { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } }
  const allowServices = forbidServices()
  try {
    // A mirror that does not answer need not matter: the lists at hand may do.
    const update = await runCommand('apt-get', ['update'], options)
    const args = [...APT_INSTALL, program]
    const install = await runCommand('apt-get', args, options)
    if (!install.ok || !isInPath(program)) {
      const output = update.ok ? install.output : `${update.output}\n${install.output}`
      throw new BootstrapError(
        `${output.trimEnd()}\n\n${program} could not be installed. The command was:\n  apt-get ${args.join(' ')}`,
      )
    }
  } finally {
    allowServices()
  }
}

/** @returns a function that undoes it; a guard that exists already is somebody else's and stays */
function forbidServices() {
  if (existsSync(POLICY_FILE)) return () => {}
  writeFileSync(POLICY_FILE, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  const remove = () => rmSync(POLICY_FILE, { force: true })
  process.once('exit', remove)
  return remove
}

function isInPath(program) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return folder !== ''
    } catch {
      return false
    }
  })
}
