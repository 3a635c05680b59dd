/**
 * Makes node_modules what the lock file says, by `npm ci`, unless a stamp shows that it is already.
 *
 * The stamp is written after success only, so an interrupted installation is done again. It covers
 * the lock file and those parts of package.json that decide what npm installs: an edited script does
 * not reinstall.
 */

import { createHash } from 'node:crypto'
import { existsSync, lstatSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import process from 'node:process'
import { withInstallLock } from './install-lock.mjs'
import { BootstrapError, say } from './progress.mjs'
import { runCommand } from './run-command.mjs'

const DECIDING_FIELDS = ['dependencies', 'devDependencies', 'optionalDependencies', 'overrides', 'allowScripts']

// --include=dev: NODE_ENV=production would leave out the Node and the tools that everything needs.
const NPM_ARGUMENTS = ['ci', '--include=dev', '--loglevel=error']

export async function installDependencies(root) {
  if (readStamp(root) === expectedStamp(root)) return { did: 'in place' }
  return withInstallLock(root, async () => {
    if (readStamp(root) === expectedStamp(root)) return { did: 'installed by another process' }
    unlinkShared(root)
    say('dependencies: npm ci, takes about 15 s')
    const { ok, output } = await runCommand(...npmCommand(root), { cwd: root, env: npmEnvironment(root) })
    if (!ok) {
      throw new BootstrapError(
        `${output.trimEnd()}\n\nThe dependencies could not be installed. The command was, in ${root}:\n  npm ${NPM_ARGUMENTS.join(' ')}`,
      )
    }
    writeFileSync(stampFile(root), expectedStamp(root))
    return { did: 'installed' }
  })
}

/**
 * A linked node_modules is another checkout's. `npm ci` first deletes all there is in it, through the link, so the link
 * goes and this checkout gets its own.
 */
function unlinkShared(root) {
  const folder = join(root, 'node_modules')
  if (lstatSync(folder, { throwIfNoEntry: false })?.isSymbolicLink()) rmSync(folder)
}

function stampFile(root) {
  return join(root, 'node_modules', '.sealcast-installed')
}

function readStamp(root) {
  return existsSync(stampFile(root)) ? readFileSync(stampFile(root), 'utf8') : undefined
}

function expectedStamp(root) {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const deciding = DECIDING_FIELDS.map((field) => manifest[field])
  const hash = createHash('sha256')
    .update(JSON.stringify([process.platform, process.arch, deciding]))
    .update(readFileSync(join(root, 'package-lock.json')))
  return `${hash.digest('hex')}\n`
}

/** Under `npm run`, that very npm; else the one in PATH. */
function npmCommand(root) {
  const script = process.env.npm_execpath
  const isNpm = script !== undefined && /npm-cli\.[cm]?js$/.test(script) && existsSync(script)
  // npm ci deletes node_modules first, and with it the Node this may be running on.
  const node = process.execPath.startsWith(join(root, 'node_modules')) ? 'node' : process.execPath
  return isNpm ? [node, [script, ...NPM_ARGUMENTS]] : ['npm', NPM_ARGUMENTS]
}

/** Without our own node_modules/.bin in PATH, for the same reason. */
function npmEnvironment(root) {
  const path = (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => !folder.startsWith(join(root, 'node_modules')))
  return { ...process.env, PATH: path.join(delimiter) }
}
