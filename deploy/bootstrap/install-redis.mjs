/**
 * Makes sure that a redis-server can be started: the one in PATH, else the system's package.
 *
 * Only the program is wanted. Debian's package would also start a service on port 6379, so a
 * policy-rc.d forbids that while the package is being installed.
 */

import { accessSync, constants, existsSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import process from 'node:process'
import { withInstallLock } from './install-lock.mjs'
import { BootstrapError, say } from './progress.mjs'
import { runCommand } from './run-command.mjs'

const POLICY_FILE = '/usr/sbin/policy-rc.d'
const APT_INSTALL = ['install', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=120', 'redis-server']

export async function installRedis(root) {
  if (isInPath('redis-server')) return { did: 'in place' }
  if (process.getuid?.() !== 0 || !isInPath('apt-get')) throw new BootstrapError(howToInstall())
  return withInstallLock(root, async () => {
    if (isInPath('redis-server')) return { did: 'installed by another process' }
    say('redis-server: apt-get install, takes about 20 s')
    await installWithApt()
    return { did: 'installed' }
  })
}

async function installWithApt() {
  const options = { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } }
  const allowServices = forbidServices()
  try {
    // A mirror that does not answer need not matter: the lists at hand may do.
    const update = await runCommand('apt-get', ['update'], options)
    const install = await runCommand('apt-get', APT_INSTALL, options)
    if (!install.ok || !isInPath('redis-server')) {
      const output = update.ok ? install.output : `${update.output}\n${install.output}`
      throw new BootstrapError(
        `${output.trimEnd()}\n\nredis-server could not be installed. The command was:\n  apt-get ${APT_INSTALL.join(' ')}`,
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

function howToInstall() {
  return [
    'redis-server is not in PATH. Install it and run this again:',
    '  Debian, Ubuntu  sudo apt-get install --no-install-recommends redis-server && sudo systemctl disable --now redis-server',
    '  Fedora          sudo dnf install redis',
    '  macOS           brew install redis',
    'or name a server of yours for `npm run up`: SEALCAST_REDIS_URL=redis://…',
  ].join('\n')
}
